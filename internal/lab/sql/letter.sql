-- The letter: its row decides whether it is sent.
select state, error as last_error, sent_at from message where key = @letter
