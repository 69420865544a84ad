-- The findings of jobs.finding in an area. The runs that a schedule missed are over: the console shows them, doctor does not.
select severity, sentence, advice from jobs.finding where area = @area and code <> 'schedule_missed' order by rank, subject
