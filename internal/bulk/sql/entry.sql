-- Returns the next entry of a bulk act to undo, from the newest to the oldest.
select id from work.audit
where bulk_id = @bulk_id and undo_until is not null and (@before::bigint = 0 or id < @before)
order by id desc limit 1
