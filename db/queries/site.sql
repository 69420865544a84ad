-- name: SiteBaseURL :one
select base_url from site;

-- name: SiteLearn :one
-- Keeps the first address: whoever comes later cannot redirect the links in mail.
insert into site (base_url) values ($1)
on conflict (only_row) do update set base_url = site.base_url
returning base_url;
