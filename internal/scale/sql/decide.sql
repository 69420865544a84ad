-- Records a decision, and removes those of a process type that are older than 90 days.
with old as (
    delete from work.scale_decision where process_type = @type and at < now() - interval '90 days'
)
insert into work.scale_decision (at, process_type, mode, code, sentence, present, want, demand, bound, quantity, drain, inputs, state)
values (@at, @type, @mode, @code, @sentence, @present, @want, @demand, @bound, @quantity, coalesce(@drain::int[], '{}'), @inputs, @state)
returning id
