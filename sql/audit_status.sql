--
-- audit_status and check report what is wrong with the log and with the audit of a table, and how
-- to fix it
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE TABLE customer (id integer PRIMARY KEY, name text, card text);
CREATE TABLE plain (id integer PRIMARY KEY);
CREATE VIEW problems AS SELECT object, severity, problem, fix FROM cmig.check() WHERE object = 'cmig_audit';
\set ECHO all
SELECT * FROM problems;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', redact => '{card}');
INSERT INTO customer VALUES (1, 'Miller', '4111');
SELECT * FROM problems;

-- options are shown with the present names
ALTER TABLE customer RENAME card TO credit_card;
SELECT options, problem FROM cmig.audit_status('public') WHERE target = 'public.customer';
ALTER TABLE customer RENAME credit_card TO card;
ALTER TABLE customer RENAME name TO moved;
ALTER TABLE customer RENAME card TO name;
SELECT options, problem FROM cmig.audit_status('public') WHERE target = 'public.customer';
ALTER TABLE customer RENAME name TO card;
ALTER TABLE customer RENAME moved TO name;
-- a dropped column is shown with its old name
ALTER TABLE customer ADD COLUMN pin text;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', redact => '{card,pin}');
ALTER TABLE customer DROP COLUMN pin;
SELECT options, problem FROM cmig.audit_status('public') WHERE target = 'public.customer';
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer');

-- the log is another kind of object, or a part of it is missing
\x on
ALTER TABLE cmig_audit.log RENAME TO real_log;
CREATE VIEW cmig_audit.log AS SELECT * FROM cmig_audit.real_log;
SELECT * FROM problems;
SELECT target, problem FROM cmig.audit_status('public');
INSERT INTO customer VALUES (2, 'Smith', NULL);
SELECT * FROM cmig.audit_history('customer', 1);
\set ECHO none
DROP VIEW cmig_audit.log;
ALTER TABLE cmig_audit.real_log RENAME TO log;
ALTER TABLE cmig_audit.layout RENAME TO real_layout;
CREATE VIEW cmig_audit.layout AS SELECT * FROM cmig_audit.real_layout;
\set ECHO all
SELECT * FROM problems;
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.customer';
DROP VIEW cmig_audit.layout;
SELECT * FROM problems;
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.customer';
SELECT * FROM cmig.audit_history('customer', 1);
SELECT * FROM cmig.enable_audit('plain');
ALTER TABLE cmig_audit.real_layout RENAME TO layout;
ALTER SEQUENCE cmig_audit.table_id_seq RENAME TO x;
SELECT problem FROM problems;
ALTER SEQUENCE cmig_audit.x RENAME TO table_id_seq;
SELECT * FROM problems;
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.customer';

-- the schema is missing, or belongs to another role
DROP SCHEMA cmig_audit CASCADE;
SELECT * FROM problems;
SELECT target, problem FROM cmig.audit_status('public');
\set VERBOSITY sqlstate
SELECT cmig.check(raise => true);
\set VERBOSITY default
INSERT INTO customer VALUES (2, 'Smith', NULL);
CREATE ROLE regress_audit_other;
CREATE SCHEMA cmig_audit AUTHORIZATION regress_audit_other;
SELECT * FROM problems;
DROP SCHEMA cmig_audit;
\x off
-- another table does not get the id in this table's triggers
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('plain');
INSERT INTO plain VALUES (1);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer');
INSERT INTO customer VALUES (2, 'Smith', NULL);
SELECT table_name, count(DISTINCT table_id) AS ids, count(*) FROM cmig_audit.log GROUP BY 1 ORDER BY 1;
SELECT count(DISTINCT table_id) FROM cmig.audit_status('public');
SELECT * FROM problems;
-- nothing is audited: a missing log is not a problem
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('plain');
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('customer');
DROP SCHEMA cmig_audit CASCADE;
SELECT * FROM problems;

\set ECHO none
DROP VIEW problems;
DROP TABLE customer, plain;
DROP EXTENSION pg_cmig;
DROP ROLE regress_audit_other;
