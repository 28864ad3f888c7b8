-- Make room for a new load. A comment says where a table's rows come from, so it goes with them.
-- The lock is that of the ETL: one that may follow in the same transaction must not wait for it holding the tables.
SELECT pg_advisory_xact_lock(hashtext('de.process_data'));
TRUNCATE customer_profiles, customer_activity, labels, stores, sales;
DROP TABLE IF EXISTS signal_truth;
COMMENT ON TABLE customer_profiles IS NULL;
COMMENT ON TABLE customer_activity IS NULL;
COMMENT ON TABLE labels IS NULL;
COMMENT ON TABLE stores IS NULL;
COMMENT ON TABLE sales IS NULL;
