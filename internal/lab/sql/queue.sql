-- In the second database: what the queue has.
select item::bigint as item from queue order by item
