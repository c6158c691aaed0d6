--
-- Several applications in one database: each has a label, a schema, and a role
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_cmig_shop;
CREATE ROLE regress_cmig_billing;
CREATE SCHEMA shop AUTHORIZATION regress_cmig_shop;
CREATE SCHEMA billing AUTHORIZATION regress_cmig_billing;
\set ECHO all

-- each application has a base of its own and loads its own files
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: shop_001
-- branch_labels: shop
-- message: items

-- cmig:upgrade
CREATE TABLE item (id int PRIMARY KEY, price numeric NOT NULL);

-- cmig:downgrade
DROP TABLE item;
-- revision: shop_002
-- down_revision: shop_001
-- message: names

-- cmig:upgrade
ALTER TABLE item ADD COLUMN name text;

-- cmig:downgrade
ALTER TABLE item DROP COLUMN name;
$cmig_load$);
SELECT * FROM cmig.load($cmig_load$
-- revision: billing_001
-- branch_labels: billing
-- message: invoices

-- cmig:upgrade
CREATE TABLE invoice (id int PRIMARY KEY);

-- cmig:downgrade
DROP TABLE invoice;
-- revision: billing_002
-- down_revision: billing_001
-- depends_on: shop_001
-- message: lines name items

-- cmig:upgrade
CREATE TABLE line (invoice int REFERENCES invoice, item int REFERENCES shop.item);

-- cmig:downgrade
DROP TABLE line;
$cmig_load$);
\set ECHO all
SELECT revision, branch_labels, is_current FROM cmig.heads() ORDER BY revision;

-- head alone does not say which application is meant
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('head');

-- one application moves
SET cmig.role = regress_cmig_billing;
SET cmig.search_path = billing;
\set VERBOSITY terse
SELECT revision FROM cmig.upgrade('billing_001');
SELECT revision FROM cmig.current();

-- the dependency belongs to the other application, and would run as the wrong role
SELECT revision, message FROM cmig.plan('upgrade', 'billing@head');
SELECT revision FROM cmig.upgrade('billing@head');

-- so the other application is upgraded first
SET cmig.role = regress_cmig_shop;
SET cmig.search_path = shop;
SELECT revision FROM cmig.upgrade('shop@head');
SELECT revision FROM cmig.current() ORDER BY revision;
SELECT cmig.require('shop@head');
\set VERBOSITY sqlstate
SELECT cmig.require('billing@head');
\set ECHO none
GRANT USAGE ON SCHEMA shop TO regress_cmig_billing;
GRANT REFERENCES ON shop.item TO regress_cmig_billing;
SET cmig.role = regress_cmig_billing;
SET cmig.search_path = billing;
\set ECHO all
SELECT revision FROM cmig.upgrade('billing@head');
\set VERBOSITY terse

-- who created what in which schema, and what the journal says about it
SELECT schemaname, tablename, tableowner FROM pg_tables WHERE schemaname IN ('shop', 'billing') ORDER BY 1, 2;
SELECT revision, direction, role, search_path FROM cmig.journal ORDER BY id;
SHOW search_path;
SELECT current_user = session_user AS caller_is_back;

-- both are at their heads
SELECT revision, is_head, branch_labels FROM cmig.current() ORDER BY revision;
SELECT item, value FROM cmig.status() WHERE item <> 'database';
SELECT cmig.require('heads');

-- one application goes back one step
SELECT cmig.downgrade('billing@-1');
SELECT revision FROM cmig.current() ORDER BY revision;
SELECT cmig.upgrade('billing@+1');

-- a relative target without a label does not say which application is meant
SELECT cmig.downgrade('-1');
\set VERBOSITY sqlstate

-- the shop's tables cannot be dropped while billing depends on them
SELECT revision FROM cmig.plan('downgrade', 'shop@base');
\set VERBOSITY terse
-- billing's tables can
SELECT revision FROM cmig.downgrade('billing@base');
SELECT revision FROM cmig.current();
SELECT tablename FROM pg_tables WHERE schemaname IN ('shop', 'billing') ORDER BY 1;

-- prune means all revisions of the database, not one application's
\set ECHO none
BEGIN;
SELECT * FROM cmig.load($cmig_load$
-- revision: shop_001
-- branch_labels: shop
-- message: items

-- cmig:upgrade
CREATE TABLE item (id int PRIMARY KEY, price numeric NOT NULL);

-- cmig:downgrade
DROP TABLE item;
$cmig_load$, prune => true) ORDER BY revision;
ROLLBACK;
\set ECHO all

-- ids and labels are shared by all applications: one that is taken is refused
\set VERBOSITY sqlstate
SELECT * FROM cmig.load($cmig_load$
-- revision: helpdesk_001
-- branch_labels: shop

-- cmig:upgrade
SELECT 1;
$cmig_load$);
SELECT * FROM cmig.load($cmig_load$
-- revision: shop

-- cmig:upgrade
SELECT 1;
$cmig_load$);

-- a third application is added later
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: helpdesk_001
-- branch_labels: helpdesk

-- cmig:upgrade
CREATE TABLE ticket (id int);

-- cmig:downgrade
DROP TABLE ticket;
$cmig_load$);
RESET cmig.role;
RESET cmig.search_path;
\set VERBOSITY terse
\set ECHO all
SELECT revision FROM cmig.upgrade('helpdesk@head');
SELECT revision FROM cmig.history('helpdesk@base:helpdesk@head');
SELECT revision, applied FROM cmig.history() ORDER BY revision;
SELECT revision FROM cmig.downgrade('helpdesk@base');

-- as settings of the migrating role: what is visible to an application's role
\set ECHO none
DO $$
BEGIN
	EXECUTE format('ALTER ROLE regress_cmig_shop IN DATABASE %I SET cmig.search_path = ''shop, public''', current_database());
	EXECUTE format('ALTER ROLE regress_cmig_shop IN DATABASE %I SET cmig.lock_timeout = ''3s''', current_database());
END
$$;
\set ECHO all
SELECT unnest(setconfig) AS setting FROM pg_db_role_setting WHERE setrole = 'regress_cmig_shop'::regrole ORDER BY 1;

-- wrong settings are refused at once, or when they are used
SET cmig.role = regress_cmig_nobody;
SELECT cmig.downgrade('shop@-1');
RESET cmig.role;
\set VERBOSITY sqlstate
SET cmig.search_path = 'shop,,public';
SET cmig.search_path = nowhere;
\set VERBOSITY terse
SELECT cmig.downgrade('shop@-1');
RESET cmig.search_path;
SELECT revision FROM cmig.current() ORDER BY revision;

-- base means all applications
SET cmig.search_path = shop;
SELECT revision FROM cmig.downgrade('base');
SELECT count(*) FROM cmig.version;
\set ECHO none
RESET cmig.search_path;

DROP EXTENSION pg_cmig;
DROP SCHEMA shop, billing CASCADE;
DROP OWNED BY regress_cmig_shop, regress_cmig_billing;
DROP ROLE regress_cmig_shop, regress_cmig_billing;
