-- Make room for a new load. A comment says where a table's rows come from, so it goes with them.
TRUNCATE customer_profiles, customer_activity, labels, stores, sales;
DROP TABLE IF EXISTS signal_truth;
COMMENT ON TABLE customer_profiles IS NULL;
COMMENT ON TABLE customer_activity IS NULL;
COMMENT ON TABLE labels IS NULL;
COMMENT ON TABLE stores IS NULL;
COMMENT ON TABLE sales IS NULL;
