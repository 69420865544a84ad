-- The findings of jobs.finding_now in an area. The runs that a schedule missed are over: the console shows them, doctor does not.
select severity, sentence, advice from jobs.finding_now where area = @area and code <> 'schedule_missed' order by rank, subject
