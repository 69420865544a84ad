-- Stores the cursor of a job whose row this transaction has locked. @id the job, @cursor.
update river.river_job set metadata = jsonb_set(metadata, '{cursor}', @cursor::jsonb) where id = @id
