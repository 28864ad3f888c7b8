-- Profiles with the published shares. Runs after stand_in_recipe.sql.
INSERT INTO customer_profiles
SELECT
    idx,
    CASE WHEN a < .50 THEN 1 WHEN a < .55 THEN 2 WHEN a < .65 THEN 3 WHEN a < .80 THEN 4 ELSE 5 END,
    CASE WHEN b < .10 THEN 'a' WHEN b < .30 THEN 'b' WHEN b < .60 THEN 'c' ELSE 'd' END,
    CASE WHEN c < 2 / 3::float8 THEN 'yes' ELSE 'no' END
FROM (
    SELECT
        idx,
        pg_temp.uniform(digest, 1) AS a,
        pg_temp.uniform(digest, 14) AS b,
        pg_temp.uniform(pg_temp.digest('attr_c', idx), 1) AS c
    FROM (
        SELECT idx, pg_temp.digest('profile', idx) AS digest
        FROM pg_temp.stand_in_clients
        OFFSET 0  -- keeps the digest from being computed once for every use
    ) AS digests
) AS draws;

-- Literals on lines of their own are one literal.
COMMENT ON TABLE customer_profiles IS 'generated, seed '
    :'seed';
