-- The ETL: feature_store and monthly_sales from the source tables. Both are built beside the old ones
-- and swapped at the end, so a reader sees the old tables or the new, whole. Run it in one transaction
-- (psql --single-transaction): then a second ETL at the same time waits for the first.
SELECT pg_advisory_xact_lock(hashtext('de.process_data'));

DROP TABLE IF EXISTS feature_store_next, monthly_sales_next;

CREATE TABLE feature_store_next AS
SELECT idx, attr_a, attr_b, scd_a, scd_b, label
FROM customer_profiles
JOIN customer_activity USING (idx)
JOIN labels USING (idx)
WHERE valid_to IS NULL
ORDER BY idx;

DO $$
DECLARE
    client int;
    copies bigint;
    left_out bigint;
    lost_sales bigint;
BEGIN
    SELECT idx, count(*) INTO client, copies
    FROM feature_store_next GROUP BY idx HAVING count(*) > 1 ORDER BY idx LIMIT 1;
    IF client IS NOT NULL THEN
        RAISE EXCEPTION 'client idx % has % rows in feature_store, expected 1', client, copies
        USING HINT = 'Look for it more than once in customer_profiles, in labels, or with a NULL '
                     'valid_to in customer_activity.';
    END IF;
    SELECT count(*) INTO left_out
    FROM customer_profiles AS profile
    WHERE NOT EXISTS (SELECT FROM feature_store_next AS built WHERE built.idx = profile.idx);
    IF left_out > 0 THEN
        RAISE WARNING '% clients have no current activity or no label; feature_store leaves them out',
            left_out;
    END IF;
    SELECT count(*) INTO lost_sales
    FROM sales WHERE NOT EXISTS (SELECT FROM stores WHERE stores.idx = sales.store_idx);
    IF lost_sales > 0 THEN
        RAISE WARNING '% sales are of a store that is missing from stores; monthly_sales leaves them out',
            lost_sales;
    END IF;
END
$$;

-- What the sources say of their origin travels with the rows made from them: a source that is loaded anew
-- before the next ETL does not change what feature_store was made from.
DO $$
DECLARE
    origins text;
BEGIN
    SELECT string_agg(source || ': ' || obj_description(source::regclass, 'pg_class'), E'\n' ORDER BY place)
    INTO origins
    FROM unnest(ARRAY['customer_profiles', 'customer_activity', 'labels'])
        WITH ORDINALITY AS sources (source, place)
    WHERE obj_description(source::regclass, 'pg_class') NOT LIKE E'%\n%';
    EXECUTE format('COMMENT ON TABLE feature_store_next IS %L', origins);
END
$$;

-- Summing in the order of idx makes the float sums the same on every run.
CREATE TABLE monthly_sales_next AS
SELECT
    sales.store_idx,
    stores.location,
    date_trunc('month', sales.date)::date AS sale_month,
    sum(sales.value ORDER BY sales.idx) AS value
FROM sales
JOIN stores ON stores.idx = sales.store_idx
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

ANALYZE feature_store_next;
ANALYZE monthly_sales_next;

-- One DO block is one statement: the swap is whole even where each statement commits by itself.
DO $$
BEGIN
    DROP TABLE IF EXISTS feature_store, monthly_sales;
    ALTER TABLE feature_store_next RENAME TO feature_store;
    ALTER TABLE monthly_sales_next RENAME TO monthly_sales;
END
$$;
