-- Browsers submit an address at büro.example either as it was typed or as xn--bro-hoa.example. The key of an account has
-- the ASCII form from now on, so that both open it. A key whose ASCII form another account has already stays as it is.

create function pg_temp.ascii_label(label text) returns text language plpgsql as $$
-- Punycode, RFC 3492, section 6.3.
declare
    points int[] := array(select ascii(c) from regexp_split_to_table(label, '') with ordinality as t (c, i) order by i);
    ascii_part text := array_to_string(array(select chr(p) from unnest(points) with ordinality as t (p, i) where p < 128 order by i), '');
    basic int := length(ascii_part);
    done int := basic;
    n int := 128;
    bias int := 72;
    delta bigint := 0;
    m int; p int; q bigint; k int; t int;
    digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
    result text := case when basic > 0 then ascii_part || '-' else '' end;
begin
    if basic = cardinality(points) then
        return label;
    end if;
    while done < cardinality(points) loop
        select min(c) into m from unnest(points) c where c >= n;
        delta := delta + (m - n)::bigint * (done + 1);
        n := m;
        foreach p in array points loop
            if p < n then
                delta := delta + 1;
            elsif p = n then
                q := delta;
                k := 36;
                loop
                    t := least(26, greatest(1, k - bias));
                    exit when q < t;
                    result := result || substr(digits, (t + (q - t) % (36 - t))::int + 1, 1);
                    q := (q - t) / (36 - t);
                    k := k + 36;
                end loop;
                result := result || substr(digits, q::int + 1, 1);
                -- adapt the bias
                delta := case when done = basic then delta / 700 else delta / 2 end;
                delta := delta + delta / (done + 1);
                k := 0;
                while delta > 455 loop
                    delta := delta / 35;
                    k := k + 36;
                end loop;
                bias := (k + 36 * delta / (delta + 38))::int;
                delta := 0;
                done := done + 1;
            end if;
        end loop;
        delta := delta + 1;
        n := n + 1;
    end loop;
    return 'xn--' || result;
end $$;

create function pg_temp.ascii_key(key text) returns text language sql as $$
    select substring(key from '^.*@') || string_agg(pg_temp.ascii_label(label), '.' order by i)
    from regexp_split_to_table(substring(key from '[^@]*$'), '\.') with ordinality as t (label, i)
$$;

update reader r set email_key = pg_temp.ascii_key(r.email_key)
where substring(r.email_key from '[^@]*$') ~ '[^[:ascii:]]'
  and not exists (select from reader o where o.email_key = pg_temp.ascii_key(r.email_key));

update suppression s set address_key = pg_temp.ascii_key(s.address_key)
where substring(s.address_key from '[^@]*$') ~ '[^[:ascii:]]'
  and not exists (select from suppression o where o.address_key = pg_temp.ascii_key(s.address_key));

drop function pg_temp.ascii_key(text);
drop function pg_temp.ascii_label(text);
