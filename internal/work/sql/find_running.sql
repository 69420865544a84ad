-- Lists the running jobs, so that the one whose rescue the server refuses can be found.
select id from river.river_job where state = 'running' order by id
