-- In the database that the container makes (POSTGRES_DB), as its owner
CREATE EXTENSION pg_cmig;
