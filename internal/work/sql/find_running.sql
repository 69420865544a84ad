-- Lists the running jobs, to find the one whose rescue the server refuses.
select id from river.river_job where state = 'running' order by id
