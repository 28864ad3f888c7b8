-- Stand-in company data with the published shares, for psql variables `clients` and `seed`.
-- Every value is a function of (seed, stream, idx) alone, through md5: the same on every version of
-- PostgreSQL, in any row order and under any plan, which setseed() and random() do not promise.
CREATE OR REPLACE FUNCTION pg_temp.digest(stream text, idx bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5(:'seed' || '/' || stream || '/' || idx::text);

-- 52 of a digest's 128 bits, from hex digit `first`, as a number in [0, 1).
CREATE OR REPLACE FUNCTION pg_temp.uniform(digest text, first int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || substr(digest, first, 13))::bit(52)::bigint / 4503599627370496::float8;

TRUNCATE customer_profiles, customer_activity, labels, stores, sales;
DROP TABLE IF EXISTS signal_truth;

INSERT INTO customer_profiles
SELECT
    idx,
    CASE WHEN a < .50 THEN 1 WHEN a < .55 THEN 2 WHEN a < .65 THEN 3 WHEN a < .80 THEN 4 ELSE 5 END,
    CASE WHEN b < .10 THEN 'a' WHEN b < .30 THEN 'b' WHEN b < .60 THEN 'c' ELSE 'd' END,
    'c' || lpad((idx * 7919 % 20)::text, 2, '0')
FROM (
    SELECT idx, pg_temp.uniform(digest, 1) AS a, pg_temp.uniform(digest, 14) AS b
    FROM (
        SELECT idx, pg_temp.digest('profile', idx) AS digest
        FROM generate_series(0, :'clients'::bigint - 1) AS idx
        OFFSET 0  -- keeps the digest from being computed once for every use
    ) AS digests
) AS draws;

-- One to four spells per client. Spell n starts between 180 n and 180 n + 179 days after the first
-- possible day, so the starts are in order, and each spell ends where the next begins.
INSERT INTO customer_activity
SELECT
    idx,
    started,
    lead(started) OVER (PARTITION BY idx ORDER BY spell),
    pg_temp.uniform(digest, 1),
    1 + floor(5 * pg_temp.uniform(digest, 14))::int
FROM (
    SELECT
        idx,
        spell,
        digest,
        -- The last six hex digits: independent of the 26 that scd_a and scd_b use.
        date '2020-01-01' + 180 * spell + ('x' || substr(digest, 27, 6))::bit(24)::int % 180 AS started
    FROM (
        SELECT idx, spell, pg_temp.digest('activity', 4 * idx + spell) AS digest
        FROM generate_series(0, :'clients'::bigint - 1) AS idx,
            generate_series(0, floor(4 * pg_temp.uniform(pg_temp.digest('spells', idx), 1))::int) AS spell
        OFFSET 0
    ) AS digests
) AS spells
ORDER BY idx, spell;

INSERT INTO stores
SELECT ordinality - 1, location
FROM unnest(ARRAY[
    'Aarhus', 'Bergen', 'Coimbra', 'Dresden', 'Eindhoven', 'Fribourg',
    'Ghent', 'Hasselt', 'Innsbruck', 'Jena', 'Kraków', 'Lyon'
]) WITH ORDINALITY AS names (location, ordinality);

-- Three sales per store and day for three years: exponential amounts in cents, with a level per
-- store, a season that peaks at the turn of the year and a slight growth.
INSERT INTO sales
SELECT
    sale,
    round((
        -(20 + 5 * store)
        * ln(1 - pg_temp.uniform(pg_temp.digest('sale', sale), 1))
        * (1 + .3 * cos(2 * pi() * day / 365.25))
        * (1 + .05 * day / 365.25)
    )::numeric, 2)::float8,
    date '2020-01-01' + day,
    store
FROM generate_series(0, 1095) AS day,
    generate_series(0, 11) AS store,
    generate_series(0, 2) AS nth,
    LATERAL (SELECT (day * 12 + store) * 3 + nth AS sale) AS numbered
ORDER BY sale;
