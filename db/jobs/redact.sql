-- Redaction: the values of keys that look secret or that a kind marks are not shown.

create function jobs.looks_secret(text text) returns boolean language sql immutable strict parallel safe
return text ~* ('pass(word|wd|phrase|code)|secret|token|(api|access|private|signing|encryption|auth)[_-]?key|authorization'
    || '|credential|cookie|signature|bearer|session[_-]?(id|key)|card[_-]?(number|no\M)|(^|")(pass|auth|otp|pin|cvv|cvc|ssn|iban)($|")');

comment on function jobs.looks_secret is 'Whether the text looks like the name of a secret key, or is JSON that may contain one.';

create function jobs.redact(value jsonb, marked text[] default '{}') returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
    -- Most values have no such key; a search in their text is quicker than a walk.
    if value is null or marked = '{}' and not jobs.looks_secret(value::text) then
        return value;
    end if;
    case jsonb_typeof(value)
        when 'array' then
            return (select coalesce(jsonb_agg(jobs.redact(e.v, marked) order by e.o), '[]')
                    from jsonb_array_elements(value) with ordinality as e (v, o));
        when 'object' then
            return (select coalesce(jsonb_object_agg(e.k, case
                        when e.v = 'null' then e.v
                        when jobs.looks_secret(e.k) or lower(e.k) = any (marked) then '"[redacted]"'
                        else jobs.redact(e.v, marked) end), '{}')
                    from jsonb_each(value) as e (k, v));
        else
            return value;
    end case;
end $$;
comment on function jobs.redact is 'The JSON value with secrets replaced by "[redacted]", at any depth: the values of keys that look secret and of the marked keys (in lower case).';
