-- Bounds a batch's transaction. If the process is suspended, the server ends it after two seconds, and other workers get its jobs.
select set_config('idle_in_transaction_session_timeout', '2s', true), set_config('statement_timeout', '5s', true), set_config('lock_timeout', '1s', true)
