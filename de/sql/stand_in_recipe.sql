-- What every stand_in_*.sql needs: draws that are functions of (seed, stream, idx) alone, through md5: the
-- same on every version of PostgreSQL, in any row order and under any plan, which setseed() and random() do
-- not promise. Psql variable `seed`. Run it and the files that fill tables in one transaction.
CREATE OR REPLACE FUNCTION pg_temp.digest(stream text, idx bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5(:'seed' || '/' || stream || '/' || idx::text);

-- 52 of a digest's 128 bits, from hex digit `first`, as a number in [0, 1).
CREATE OR REPLACE FUNCTION pg_temp.uniform(digest text, first int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || substr(digest, first, 13))::bit(52)::bigint / 4503599627370496::float8;

-- The clients to make rows for; whoever runs the files fills it.
CREATE TEMPORARY TABLE stand_in_clients (idx bigint) ON COMMIT DROP;
