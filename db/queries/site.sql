-- name: SiteBaseURL :one
select base_url from site;

-- name: SiteLearn :one
-- Keeps the first address: later visitors cannot redirect the links in mail.
insert into site (base_url) values ($1)
on conflict (only_row) do update set base_url = site.base_url
returning base_url;

-- name: SiteSet :exec
insert into site (base_url) values ($1)
on conflict (only_row) do update set base_url = excluded.base_url, learnt_at = now();
