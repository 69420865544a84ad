-- Schedules that are broken or overdue, as findings.
select 'broken', case when broken is not null then format('Schedule %s is broken. %s.', name, broken)
        else format('Schedule %s (%s) is overdue since %s.', name, case when dirty then spec else words end, to_char(next_at, 'YYYY-MM-DD HH24:MI TZ')) end,
    case when broken is not null then format('Correct it where it is declared, or: update work.schedule set … where name = %L;', name)
        else 'Workers see to schedules, and web processes where there is no worker: is one alive?' end
from jobs.schedule where not retired and (broken is not null or overdue > interval '1 min') order by name
