-- Sales like the month that is known of the company: 412 of the numbers below 50,000, days of January 2020
-- alike, amounts from 0 to 10 alike in tenths, half of the sales in the first store. Runs after
-- stand_in_recipe.sql, on filled stores: with others than the stand-in's five, the draws go round them.
INSERT INTO sales
SELECT sale, round((10 * amount)::numeric, 1)::float8, date '2020-01-01' + floor(31 * day)::int, store.idx
FROM (
    SELECT
        sale,
        pg_temp.uniform(digest, 1) AS amount,
        pg_temp.uniform(digest, 14) AS day,
        pg_temp.uniform(pg_temp.digest('sale store', sale), 1) AS place
    FROM (
        SELECT sale, pg_temp.digest('january sale', sale) AS digest
        FROM generate_series(0, 49999) AS sale
        ORDER BY pg_temp.digest('sold', sale)
        LIMIT 412
    ) AS digests
) AS draws
JOIN (
    SELECT idx, row_number() OVER (ORDER BY idx) - 1 AS place, count(*) OVER () AS n_stores FROM stores
) AS store
ON store.place = width_bucket(draws.place, ARRAY[.50, .55, .65, .80]::float8[]) % store.n_stores
ORDER BY sale;

COMMENT ON TABLE sales IS 'generated, seed '
    :'seed';
