-- Locks a bulk act for a chunk and returns where it stands, or nothing if it was cancelled or another process has its lease. What the
-- transaction writes to work.audit becomes part of the act. If this process freezes, the server ends the transaction.
select b.last_id, b.done, b.changed, b.unchanged, b.codes,
       set_config('jobs.bulk', b.id::text, true), set_config('idle_in_transaction_session_timeout', '15s', true)
from work.bulk b
where b.id = @id and b.lease_by = @by and b.state = 'running'
for update
