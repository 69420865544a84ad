-- name: MessageInsert :one
-- Returns no row if a message with this key exists.
insert into message (reader_id, kind, key, message_id, subject_id, to_address)
values (@reader_id, @kind, @key, @message_id, @subject_id, @to_address)
on conflict (key) do nothing
returning id;

-- name: MessageReaderHold :one
-- Locks the reader's row before the message's, in the same order as deleting the account.
select r.id from reader r
where r.id = (select m.reader_id from message m where m.id = @id)
for key share;

-- name: MessageLock :one
select * from message where id = $1 for update;

-- name: MessageSending :exec
update message set state = 'sending', sending_at = now(), transport = @transport, subject = @subject,
    body_text = @body_text, error = ''
where id = @id;

-- name: MessageEnd :execrows
-- Records how an attempt ended. A message that is sent or has failed does not change.
update message set state = @state, error = @error,
    sent_at = case when @state::text in ('sent', 'unconfirmed') then now() end
where id = @id and state in ('queued', 'sending', 'unconfirmed');

-- name: MessageHoldBack :execrows
update message set state = 'failed', error = @error
where reader_id = @reader_id and kind = @kind and state = 'queued';

-- name: MailReadyOff :exec
update reader set mail_ready = false where id = @id and mail_ready;

-- name: MessageList :many
select * from message where reader_id = @reader_id
order by id desc limit @size offset @skip;

-- name: MessageCount :one
select count(*) from message where reader_id = $1;

-- name: MessageGet :one
select * from message where id = $1 and reader_id = $2;

-- name: MessageRead :execrows
update message set read_at = now()
where id = $1 and reader_id = $2 and read_at is null and state in ('sent', 'failed', 'unconfirmed');

-- name: MessageUnread :one
-- Mail without a text was held back before it was written, so it cannot be read.
select count(*) from message
where reader_id = $1 and read_at is null and state in ('sent', 'failed', 'unconfirmed') and body_text <> '';

-- name: SuppressionReason :one
select reason from suppression where address_key = $1;

-- name: SuppressionInsert :exec
insert into suppression (address_key, reason) values ($1, $2)
on conflict (address_key) do nothing;
