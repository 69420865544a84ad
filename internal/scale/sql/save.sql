-- Writes what the loop remembers of a process type, if this process still has the lease.
update work.scale_state set
    state = @state, quantity = @quantity, boots = coalesce(@boots::float8[], '{}'), ordered = @ordered, problem = @problem,
    month = date_trunc('month', now() at time zone 'UTC')::date, hours = @hours, at = now()
where process_type = @type and lease_by = @by and lease_until > now()
