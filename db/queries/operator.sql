-- name: OperatorLock :many
-- Locks every role, in one order, until the transaction ends. The second of two concurrent changes sees the first.
select reader_id, role from operator order by reader_id for update;

-- name: OperatorPut :exec
insert into operator (reader_id, role, added_by) values (@reader_id, @role, @added_by)
on conflict (reader_id) do update set role = excluded.role, added_at = now(), added_by = excluded.added_by
where operator.role <> excluded.role;

-- name: OperatorDelete :exec
delete from operator where reader_id = $1;

-- name: OperatorList :many
select r.email, r.name, o.role, o.added_at, o.added_by
from operator o
join reader r on r.id = o.reader_id
order by o.role, r.email_key;
