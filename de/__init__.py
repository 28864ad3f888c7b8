"""The data engineers' part: roles, tables, ETL and stand-in company data, embedded or on any server."""
