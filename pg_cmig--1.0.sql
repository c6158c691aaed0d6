/*
 * pg_cmig--1.0.sql
 *
 * Copyright (c) 2026, the pg_cmig developers
 */

\echo Use "CREATE EXTENSION pg_cmig" to load this file. \quit

CREATE SCHEMA cmig;
COMMENT ON SCHEMA cmig IS 'pg_cmig: schema migrations inside the database; SELECT * FROM cmig.status() shows its state';

--
-- Catalog
--

CREATE TABLE cmig.revision (
	revision text PRIMARY KEY,
	down_revision text[] NOT NULL DEFAULT '{}',
	depends_on text[] NOT NULL DEFAULT '{}',
	branch_labels text[] NOT NULL DEFAULT '{}',
	replaces text[] NOT NULL DEFAULT '{}',
	message text NOT NULL DEFAULT '',
	description text NOT NULL DEFAULT '',
	upgrade_sql text NOT NULL DEFAULT '',
	downgrade_sql text,
	verify_sql text,
	precondition_sql text,
	transactional boolean NOT NULL DEFAULT true,
	repeatable boolean NOT NULL DEFAULT false,
	placeholders text[] NOT NULL DEFAULT '{}',
	previous_sql text,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	created_by name NOT NULL DEFAULT CURRENT_USER
);

CREATE TABLE cmig.version (
	revision text PRIMARY KEY
);

CREATE TABLE cmig.journal (
	id bigint PRIMARY KEY,
	revision text CONSTRAINT journal_revision_check
		CHECK (revision IS NOT NULL OR direction = 'drift'),
	direction text NOT NULL CONSTRAINT journal_direction_check
		CHECK (direction IN ('upgrade', 'downgrade', 'stamp', 'repair', 'drift')),
	outcome text NOT NULL CONSTRAINT journal_outcome_check
		CHECK (outcome IN ('running', 'failed', 'done')),
	started_at timestamptz NOT NULL,
	elapsed interval,
	role name NOT NULL,
	session_role name NOT NULL DEFAULT SESSION_USER,
	application_name text,
	client_address inet DEFAULT pg_catalog.inet_client_addr(),
	transaction_id xid8,
	checksum text,
	search_path text,
	sqlstate text,
	message text,
	statement integer
);
CREATE INDEX journal_revision_idx ON cmig.journal (revision, id);
CREATE FUNCTION cmig.journal_trigger()
RETURNS trigger
AS 'MODULE_PATHNAME', 'cmig_journal_trigger'
LANGUAGE C;
COMMENT ON FUNCTION cmig.journal_trigger() IS 'Keeps migrators from writing journal rows for a role that they cannot SET ROLE to, or with an id far beyond the last one, and makes sessions that write a row by hand wait for runs. Raises 42501, 55P03, and 39P01 if it is not called as the trigger of cmig.journal.';
CREATE TRIGGER journal_trigger BEFORE INSERT ON cmig.journal
FOR EACH ROW EXECUTE FUNCTION cmig.journal_trigger();

CREATE TABLE cmig.progress (
	revision text NOT NULL,
	direction text NOT NULL CONSTRAINT progress_direction_check
		CHECK (direction IN ('upgrade', 'downgrade')),
	statement integer NOT NULL,
	state text NOT NULL CONSTRAINT progress_state_check
		CHECK (state IN ('running', 'in_doubt', 'done')),
	detail jsonb,
	PRIMARY KEY (revision, direction, statement)
);

CREATE TABLE cmig.backfill_run (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	target text NOT NULL,
	set_sql text NOT NULL,
	where_sql text,
	revision text,
	direction text CONSTRAINT backfill_run_direction_check
		CHECK (direction IN ('upgrade', 'downgrade')),
	statement integer,
	state text NOT NULL CONSTRAINT backfill_run_state_check
		CHECK (state IN ('running', 'done')),
	method text NOT NULL CONSTRAINT backfill_run_method_check
		CHECK (method IN ('ctid', 'key')),
	pass integer NOT NULL DEFAULT 1,
	relation text,
	key text[],
	place text[],
	bound text[],
	parts text[],
	total double precision NOT NULL,
	passed double precision NOT NULL DEFAULT 0,
	rows bigint NOT NULL DEFAULT 0,
	rows_of_pass bigint NOT NULL DEFAULT 0,
	batches bigint NOT NULL DEFAULT 0,
	started_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	active interval NOT NULL DEFAULT '0'
);

CREATE TABLE cmig.secret (
	name text PRIMARY KEY,
	value bytea NOT NULL
);

CREATE TABLE cmig.ddl_log (
	at timestamptz NOT NULL,
	command text NOT NULL,
	object_type text,
	object text,
	role name NOT NULL,
	session_role name NOT NULL,
	application_name text,
	client_address inet,
	transaction_id xid8,
	query text,
	reason text
);
CREATE INDEX ddl_log_at_idx ON cmig.ddl_log (at);

-- cmig.secret is left out: keys do not belong in a dump
SELECT pg_catalog.pg_extension_config_dump('cmig.revision', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.version', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.journal', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.progress', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.backfill_run', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.backfill_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.ddl_log', '');

COMMENT ON TABLE cmig.revision IS 'The revisions: edges, scripts, flags. Rows may be written by hand; they are validated when used.';
COMMENT ON COLUMN cmig.revision.revision IS 'Identifier: up to 128 bytes, none of @ : + , ; { } " '' or white space; not head, heads, base, current';
COMMENT ON COLUMN cmig.revision.down_revision IS 'Parents: ids of the revisions that this one follows; several make a merge, none a base';
COMMENT ON COLUMN cmig.revision.depends_on IS 'Revisions (ids or branch labels) that must be applied before this one without being its parents';
COMMENT ON COLUMN cmig.revision.branch_labels IS 'Names for the branch that starts here';
COMMENT ON COLUMN cmig.revision.precondition_sql IS 'A SELECT that must return true before the upgrade script starts, or NULL';
COMMENT ON COLUMN cmig.revision.replaces IS 'Revisions that this one replaces, of which the last one follows the others; where they are applied, this one counts as applied';
COMMENT ON COLUMN cmig.revision.message IS 'One line that says what the revision does';
COMMENT ON COLUMN cmig.revision.description IS 'Free text from the header of its file';
COMMENT ON COLUMN cmig.revision.upgrade_sql IS 'SQL that applies the revision; empty if there is nothing to do';
COMMENT ON COLUMN cmig.revision.downgrade_sql IS 'SQL that reverts it; NULL if it is irreversible, empty if there is nothing to do';
COMMENT ON COLUMN cmig.revision.verify_sql IS 'SQL that checks the result after the upgrade; NULL if there is none';
COMMENT ON COLUMN cmig.revision.transactional IS 'false: the statements cannot run inside a transaction, so that CALL cmig.upgrade_stepwise must run them';
COMMENT ON COLUMN cmig.revision.repeatable IS 'true: it has no parents, and runs after an upgrade that reaches the heads if its script has changed since it last ran';
COMMENT ON COLUMN cmig.revision.placeholders IS 'Names that stand as ${name} in the scripts: "name" for an identifier, "name literal" for a string; the setting cmig_var.name has the value';
COMMENT ON COLUMN cmig.revision.previous_sql IS 'Of a repeatable revision: the script that ran last, if another one has been loaded since';
COMMENT ON COLUMN cmig.revision.created_at IS 'When the revision was written (the create_date of its file)';
COMMENT ON COLUMN cmig.revision.created_by IS 'The role that stored the revision in this database';
COMMENT ON TABLE cmig.version IS 'The applied heads, as in alembic_version: applied revisions that no applied revision names as parent or dependency.';
COMMENT ON COLUMN cmig.version.revision IS 'Identifier of an applied revision; all revisions on which it builds are applied, too';
COMMENT ON TABLE cmig.journal IS 'What has been run: one row for each step, and one for each call of cmig.drift.';
COMMENT ON COLUMN cmig.journal.id IS 'Number of the row: one more than the greatest one before';
COMMENT ON COLUMN cmig.journal.revision IS 'Identifier of the revision, which may have been removed since; NULL for drift';
COMMENT ON COLUMN cmig.journal.direction IS 'upgrade, downgrade, stamp, repair, or drift';
COMMENT ON COLUMN cmig.journal.outcome IS 'done; stepwise runs also write running and failed';
COMMENT ON COLUMN cmig.journal.started_at IS 'When the step began';
COMMENT ON COLUMN cmig.journal.elapsed IS 'Wall-clock time of the step';
COMMENT ON COLUMN cmig.journal.role IS 'The role that the script ran as';
COMMENT ON COLUMN cmig.journal.session_role IS 'The role that the session logged in as';
COMMENT ON COLUMN cmig.journal.application_name IS 'application_name of the session';
COMMENT ON COLUMN cmig.journal.client_address IS 'Address of the client; NULL for a Unix-domain socket';
COMMENT ON COLUMN cmig.journal.transaction_id IS 'The transaction that ran the step';
COMMENT ON COLUMN cmig.journal.checksum IS 'sha256 over the tokens of the upgrade script that was run, stamped, or accepted, and its flag; NULL for a downgrade';
COMMENT ON COLUMN cmig.journal.search_path IS 'search_path with which the script started';
COMMENT ON COLUMN cmig.journal.sqlstate IS 'SQLSTATE of the error, if the step failed';
COMMENT ON COLUMN cmig.journal.message IS 'Message of the error, if the step failed; for a stamp, that a revision is no longer recorded as applied; for drift, what was found';
COMMENT ON COLUMN cmig.journal.statement IS 'Number of the statement that failed';
COMMENT ON TABLE cmig.progress IS 'Progress of an unfinished stepwise step: one row for each statement.';
COMMENT ON COLUMN cmig.progress.revision IS 'Identifier of the revision';
COMMENT ON COLUMN cmig.progress.direction IS 'upgrade or downgrade';
COMMENT ON COLUMN cmig.progress.statement IS 'Number of the statement in the script, from 1';
COMMENT ON COLUMN cmig.progress.state IS 'running, in_doubt, or done';
COMMENT ON COLUMN cmig.progress.detail IS 'What is needed to resume the statement, for example names of indexes';
COMMENT ON TABLE cmig.backfill_run IS 'How far each backfill is or was; cmig.backfill_progress shows it.';
COMMENT ON SEQUENCE cmig.backfill_run_id_seq IS 'Numbers the rows of cmig.backfill_run';
COMMENT ON COLUMN cmig.backfill_run.id IS 'Order of start';
COMMENT ON COLUMN cmig.backfill_run.target IS 'The table, with its schema';
COMMENT ON COLUMN cmig.backfill_run.set_sql IS 'The argument set_sql; it may be updated for an unfinished backfill, and a CALL with that text resumes it';
COMMENT ON COLUMN cmig.backfill_run.where_sql IS 'The argument where_sql; NULL for all rows';
COMMENT ON COLUMN cmig.backfill_run.revision IS 'The revision whose script called it; NULL if there is none';
COMMENT ON COLUMN cmig.backfill_run.direction IS 'upgrade or downgrade, of that revision';
COMMENT ON COLUMN cmig.backfill_run.statement IS 'Number of the statement in that script; NULL once the step is done or a stamp has settled it';
COMMENT ON COLUMN cmig.backfill_run.state IS 'running (even if it was interrupted or abandoned) or done';
COMMENT ON COLUMN cmig.backfill_run.method IS 'ctid: ranges of blocks, in passes until no row matches; key: ranges of a unique key, once';
COMMENT ON COLUMN cmig.backfill_run.pass IS 'The current pass over the table, from 1';
COMMENT ON COLUMN cmig.backfill_run.relation IS 'The current table or partition';
COMMENT ON COLUMN cmig.backfill_run.key IS 'The columns of the key in whose order that table is walked; NULL by ctid';
COMMENT ON COLUMN cmig.backfill_run.place IS 'Where the next batch begins: a block, or the last key that is done';
COMMENT ON COLUMN cmig.backfill_run.bound IS 'Where this table ends: a block, or the greatest key at the start';
COMMENT ON COLUMN cmig.backfill_run.parts IS 'Without a condition, the partitions at the start, NULL if it is one table';
COMMENT ON COLUMN cmig.backfill_run.total IS 'Work of one pass, in blocks or estimated rows';
COMMENT ON COLUMN cmig.backfill_run.passed IS 'How much of it is done';
COMMENT ON COLUMN cmig.backfill_run.rows IS 'Rows updated so far';
COMMENT ON COLUMN cmig.backfill_run.rows_of_pass IS 'Rows updated in the current pass';
COMMENT ON COLUMN cmig.backfill_run.batches IS 'Batches committed so far';
COMMENT ON COLUMN cmig.backfill_run.started_at IS 'When it began';
COMMENT ON COLUMN cmig.backfill_run.updated_at IS 'When the last batch was committed';
COMMENT ON COLUMN cmig.backfill_run.active IS 'Time spent, without the time between an interruption and the next CALL';
COMMENT ON TABLE cmig.ddl_log IS 'DDL outside of migration runs, recorded while cmig.ddl_policy is log, or after cmig.allow_ddl().';
COMMENT ON COLUMN cmig.ddl_log.at IS 'When the command ended';
COMMENT ON COLUMN cmig.ddl_log.command IS 'Command tag, such as ALTER TABLE; allow_ddl for a call of that function';
COMMENT ON COLUMN cmig.ddl_log.object_type IS 'What was changed: table, index, function, ...; of GRANT and REVOKE, the type of the object';
COMMENT ON COLUMN cmig.ddl_log.object IS 'Its name as the server writes it; NULL for GRANT and REVOKE';
COMMENT ON COLUMN cmig.ddl_log.role IS 'The role of the session, as set by SET ROLE';
COMMENT ON COLUMN cmig.ddl_log.session_role IS 'The role that connected, or the one set by SET SESSION AUTHORIZATION';
COMMENT ON COLUMN cmig.ddl_log.application_name IS 'application_name of the session';
COMMENT ON COLUMN cmig.ddl_log.client_address IS 'Address of the client; NULL for a Unix-domain socket';
COMMENT ON COLUMN cmig.ddl_log.transaction_id IS 'Transaction of the command';
COMMENT ON COLUMN cmig.ddl_log.query IS 'The first 1,000 bytes of what the client sent; NULL for commands that can contain a password';
COMMENT ON COLUMN cmig.ddl_log.reason IS 'The reason given to cmig.allow_ddl() in this transaction';
COMMENT ON TABLE cmig.secret IS 'Keys; readable by the owner only and never dumped.';
COMMENT ON COLUMN cmig.secret.name IS 'What the key is for';
COMMENT ON COLUMN cmig.secret.value IS 'The key';

--
-- Moving
--

CREATE FUNCTION cmig.upgrade(target text DEFAULT 'head',
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_upgrade'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.upgrade(targets text[],
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_upgrade_array'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.upgrade(target bigint,
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_upgrade_steps'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.downgrade(target text DEFAULT NULL,
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_downgrade'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.downgrade(target bigint,
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_downgrade_steps'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.upgrade(target text, plan_checksum text,
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_upgrade_shown'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.upgrade(targets text[], plan_checksum text,
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_upgrade_shown_array'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.downgrade(target text, plan_checksum text,
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_downgrade_shown'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.reset(confirm text DEFAULT NULL,
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_reset'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.stamp(target text DEFAULT NULL, purge boolean DEFAULT false,
	OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_stamp'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.stamp(targets text[], purge boolean DEFAULT false,
	OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_stamp_array'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.plan(direction text DEFAULT 'upgrade', target text DEFAULT NULL,
	OUT step integer, OUT revision text, OUT down_revision text[],
	OUT transactional boolean, OUT irreversible boolean, OUT created_by name,
	OUT message text, OUT locks text, OUT plan_checksum text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_plan'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.plan(direction text, targets text[],
	OUT step integer, OUT revision text, OUT down_revision text[],
	OUT transactional boolean, OUT irreversible boolean, OUT created_by name,
	OUT message text, OUT locks text, OUT plan_checksum text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_plan_array'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.dry_run(direction text DEFAULT 'upgrade', target text DEFAULT 'head',
	concurrently text DEFAULT 'skip', max_table_size bigint DEFAULT NULL,
	waiters boolean DEFAULT false,
	OUT step integer, OUT revision text, OUT statement integer, OUT line integer,
	OUT command text, OUT rows bigint, OUT elapsed interval, OUT locks text,
	OUT rewrites text, OUT scans text, OUT wal_bytes bigint, OUT error text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_dry_run'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

--
-- Reading
--

CREATE FUNCTION cmig.current(
	OUT revision text, OUT is_head boolean, OUT known boolean,
	OUT branch_labels text[], OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_current'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.heads(
	OUT revision text, OUT branch_labels text[], OUT is_current boolean,
	OUT is_effective boolean, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_heads'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.branches(
	OUT revision text, OUT branch_labels text[], OUT children text[],
	OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_branches'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.history(range text DEFAULT 'base:heads',
	OUT revision text, OUT down_revision text[], OUT depends_on text[],
	OUT branch_labels text[], OUT is_head boolean, OUT is_current boolean,
	OUT is_branchpoint boolean, OUT is_mergepoint boolean,
	OUT applied boolean, OUT irreversible boolean, OUT created_at timestamptz,
	OUT applied_at timestamptz, OUT author text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_history'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.graph(range text DEFAULT 'base:heads', format text DEFAULT 'text',
	OUT line text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_graph'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.log(OUT at timestamptz, OUT what text, OUT revision text, OUT role name,
	OUT elapsed interval, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_log'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.report()
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_report'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.help(name text DEFAULT NULL, OUT line text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_help'
LANGUAGE C STABLE PARALLEL UNSAFE;

-- a default of NULL, here and below, leads to an error that shows the right call
CREATE FUNCTION cmig.show(target text DEFAULT NULL, OUT field text, OUT value text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_show'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.status(OUT item text, OUT value text, OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_status'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.resolve(target text DEFAULT NULL, OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_resolve'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.check(raise boolean DEFAULT false,
	OUT severity text, OUT object text, OUT problem text, OUT fix text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_check'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.require(target text DEFAULT 'heads')
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_require'
LANGUAGE C STABLE PARALLEL UNSAFE;

--
-- Writing revisions
--

CREATE FUNCTION cmig.load(script text DEFAULT NULL, prune boolean DEFAULT false,
	accept_changes boolean DEFAULT false,
	OUT revision text, OUT action text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_load'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.load_directory(path text DEFAULT NULL, prune boolean DEFAULT false,
	accept_changes boolean DEFAULT false,
	OUT revision text, OUT action text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_load_directory'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.create_revision(message text, upgrade_sql text DEFAULT NULL,
	downgrade_sql text DEFAULT NULL, verify_sql text DEFAULT NULL,
	revision text DEFAULT NULL, head text DEFAULT 'head',
	splice boolean DEFAULT false, branch_label text DEFAULT NULL,
	depends_on text[] DEFAULT '{}', transactional boolean DEFAULT true,
	precondition_sql text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_create_revision'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.merge(revisions text[], message text DEFAULT NULL,
	revision text DEFAULT NULL, splice boolean DEFAULT false,
	branch_label text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_merge_array'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.merge(revisions text DEFAULT NULL, message text DEFAULT NULL,
	revision text DEFAULT NULL, splice boolean DEFAULT false,
	branch_label text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_merge'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

--
-- What the functions do, return, and raise
--

COMMENT ON FUNCTION cmig.upgrade(text) IS 'Apply revisions up to target: an id or the beginning of one, a label, label@head, head, heads, +N, rev+N. Returns one row for each step; raises MG001 to MG005, MG007, MG009, 22023, and what a script raises.';
COMMENT ON FUNCTION cmig.upgrade(text[]) IS 'Apply revisions up to several absolute targets. Returns one row for each step; raises MG001 to MG005, MG007, MG009, 22023, and what a script raises.';
COMMENT ON FUNCTION cmig.upgrade(bigint) IS 'Apply the next N revisions: upgrade(2) is upgrade(''+2''). Quote ids that are digits. Returns one row for each step; raises as upgrade(text).';
COMMENT ON FUNCTION cmig.upgrade(text, text) IS 'As upgrade(text), but only if the plan still has the checksum that cmig.plan or cmig.dry_run has shown. Raises MG016 if it has changed, 22023, and as upgrade(text).';
COMMENT ON FUNCTION cmig.upgrade(text[], text) IS 'As upgrade(text[]), but only if the plan still has the checksum that cmig.plan or cmig.dry_run has shown. Raises MG016 if it has changed, 22023, and as upgrade(text[]).';
COMMENT ON FUNCTION cmig.downgrade(text) IS 'Revert the revisions above target: an id, base, -N, label@-N, label@base, rev-N. Returns one row for each step; raises MG001 to MG007, MG011, 22023, and what a script raises.';
COMMENT ON FUNCTION cmig.downgrade(text, text) IS 'As downgrade(text), but only if the plan still has the checksum that cmig.plan or cmig.dry_run has shown. Raises MG016 if it has changed, 22023, and as downgrade(text).';
COMMENT ON FUNCTION cmig.downgrade(bigint) IS 'Revert the last N revisions: downgrade(-1) is downgrade(''-1''). Quote ids that are digits. Returns one row for each step; raises as downgrade(text).';
COMMENT ON FUNCTION cmig.reset(text) IS 'Downgrade to base and upgrade to heads again, in one transaction; confirm must be the database''s name. Returns one row for each step; raises 22023, MG005 to MG007, MG009, MG011, and what a script raises.';
COMMENT ON FUNCTION cmig.stamp(text, boolean) IS 'Record target, and all below it, as applied without running anything; purge empties the version table first. Returns the rows of cmig.version; raises MG001 to MG005, MG011, 22023.';
COMMENT ON FUNCTION cmig.stamp(text[], boolean) IS 'Record several targets as applied without running anything. Returns the rows of cmig.version; raises MG001 to MG005, MG011, 22023.';
COMMENT ON FUNCTION cmig.dry_run(text, text, text, bigint, boolean) IS 'Runs the steps of an upgrade or downgrade to target and rolls everything back. Returns a row for each statement: its rows, its duration, the strongest lock on each relation that existed before, relations that get a new file, relations that are read in full, and its error. A revision that fails stops only those that build on it. Raises MG001 to MG005, 22023, 25006, 55P03.';
COMMENT ON FUNCTION cmig.plan(text, text) IS 'The steps that upgrade or downgrade (direction) to target would run, in order; the target of an upgrade defaults to head. irreversible: the revision has no downgrade script, so that a downgrade stops there. locks: the strongest lock on each relation, found without running the script. Changes nothing. Raises MG001 to MG005, 22023.';
COMMENT ON FUNCTION cmig.plan(text, text[]) IS 'The steps that upgrade to several targets would run, in order; changes nothing. Raises MG001 to MG005, 22023.';
COMMENT ON FUNCTION cmig.current() IS 'The version rows, which say where the database is; none means base. Also works with a broken graph.';
COMMENT ON FUNCTION cmig.heads() IS 'The revisions that no other follows; is_effective is false for one that another head depends on. Also works with a broken graph.';
COMMENT ON FUNCTION cmig.branches() IS 'The revisions that several others follow, and which ones. Also works with a broken graph.';
COMMENT ON FUNCTION cmig.history(text) IS 'The revisions of a range from:to, newest first; both ends are included, and each can be current. Raises MG001 to MG004, 22023.';
COMMENT ON FUNCTION cmig.graph(text, text) IS 'A drawing of the revisions of a range, newest first, in the style of git log --graph: @ is current, * applied, o pending, % partially applied. Other formats are mermaid and dot. Also works with a broken graph. Raises MG001 to MG004, 22023.';
COMMENT ON FUNCTION cmig.log() IS 'What was done, when, by whom, and for how long, newest first; messages are shortened so that rows fit into 100 columns. cmig.journal has everything.';
COMMENT ON FUNCTION cmig.report() IS 'State, graph with scripts, journal, locks of pending steps, row-level security, and audit as one HTML page that needs no network and runs no scripts. Shows what the caller may read.';
COMMENT ON FUNCTION cmig.help(text) IS 'The functions of pg_cmig by subject, or what is to be known about a function, a table, or a setting. Raises 22023.';
COMMENT ON FUNCTION cmig.show(text) IS 'All fields of the revisions that an absolute identifier or current names, with their values. Raises MG001 to MG004, 22023.';
COMMENT ON FUNCTION cmig.status() IS 'Where the database is, what is pending, what is wrong, and what to type.';
COMMENT ON FUNCTION cmig.resolve(text) IS 'The ids that an absolute identifier names. Raises MG001 to MG005, 22023.';
COMMENT ON FUNCTION cmig.check(boolean) IS 'The health of the catalog and of the scripts that may still run: problems and their fixes. With raise => true, raises MG005 if one of them is an error.';
COMMENT ON FUNCTION cmig.require(text) IS 'Do nothing if target is applied; otherwise, and if no revision is loaded, raise an error that names the pending revisions. Raises MG010, MG001 to MG005, 22023.';
COMMENT ON FUNCTION cmig.load(text, boolean, boolean) IS 'Store the revision files in script, one or many, in any order: added, replaced, unchanged, removed, kept. All or nothing; raises MG005, MG008, MG011, MG013, 22023.';
COMMENT ON FUNCTION cmig.load_directory(text, boolean, boolean) IS 'As load, for the .sql files of a directory on the server; requires pg_read_server_files. Raises as load, and 42501.';
COMMENT ON FUNCTION cmig.create_revision(text, text, text, text, text, text, boolean, text, text[], boolean, text) IS 'Store a new revision after head and return its id; without upgrade_sql it is empty. Raises MG001 to MG005, 23505, 22023.';
COMMENT ON FUNCTION cmig.merge(text[], text, text, boolean, text) IS 'Store a revision that joins several, and return its id. Raises MG001 to MG005, 23505, 22023.';
COMMENT ON FUNCTION cmig.merge(text, text, text, boolean, text) IS 'Store a revision that joins what the identifier names, such as heads, and return its id. Raises MG001 to MG005, 23505, 22023.';

--
-- Files and daily work: draft, export, script, repair, remove_revision, grants
--

CREATE FUNCTION cmig.draft(message text DEFAULT NULL, revision text DEFAULT NULL,
	head text DEFAULT 'head', splice boolean DEFAULT false,
	branch_label text DEFAULT NULL, depends_on text[] DEFAULT '{}',
	transactional boolean DEFAULT true,
	file_template text DEFAULT '%(rev)s_%(slug)s',
	precondition_sql text DEFAULT NULL,
	OUT file_name text, OUT content text)
RETURNS record
AS 'MODULE_PATHNAME', 'cmig_draft'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.export(revision text DEFAULT NULL,
	file_template text DEFAULT '%(rev)s_%(slug)s',
	OUT file_name text, OUT content text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_export'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.export(revisions text[],
	file_template text DEFAULT '%(rev)s_%(slug)s',
	OUT file_name text, OUT content text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_export_array'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.script(direction text DEFAULT NULL, target text DEFAULT NULL,
	version_table text DEFAULT 'public.cmig_version',
	transaction_per_revision boolean DEFAULT false)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_script'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.repair(revision text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_repair'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.remove_revision(revision text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_remove_revision'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.draft(text, text, text, boolean, text, text[], boolean, text, text) IS 'A new revision file after head, with empty sections, and its name; stores nothing. Raises as create_revision, and 22023 for a bad file_template.';
COMMENT ON FUNCTION cmig.export(text, text) IS 'The revision file of an identifier or a range from:to, or of all revisions, with its name; loading it again changes nothing. Raises MG001 to MG004, MG013, 22023.';
COMMENT ON FUNCTION cmig.export(text[], text) IS 'The revision files of several identifiers and ranges, and their names. Raises MG001 to MG004, MG013, 22023.';
COMMENT ON FUNCTION cmig.script(text, text, text, boolean) IS 'The upgrade or downgrade (direction) to target, or over a range from:to, as one text for psql, which also runs in databases without pg_cmig. Raises as upgrade and downgrade, and 22023.';
COMMENT ON FUNCTION cmig.repair(text) IS 'Accept the stored script of an applied revision as the one that ran, and record that in cmig.journal. Raises MG001, MG002, 22023, 55000.';
COMMENT ON FUNCTION cmig.remove_revision(text) IS 'Delete a revision that is not applied and that no other revision names. Raises MG001, MG002, 22023, 55006, 2BP01.';

--
-- Calls with a number, or several texts, in place of a revision: an error that shows the
-- right call. Arguments of type text are preferred, so no correct call gets here.
--

CREATE FUNCTION cmig.upgrade(target "any", VARIADIC targets "any",
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_upgrade_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.downgrade(target "any", VARIADIC targets "any",
	OUT step integer, OUT direction text, OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_downgrade_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.stamp(target bigint, purge boolean DEFAULT false,
	OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_stamp_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.stamp(target text, purge text,
	OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_stamp_texts'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.stamp(target "any", VARIADIC targets "any",
	OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_stamp_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.plan(target bigint,
	OUT step integer, OUT revision text, OUT down_revision text[],
	OUT transactional boolean, OUT irreversible boolean, OUT created_by name,
	OUT message text, OUT locks text, OUT plan_checksum text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_plan_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.plan(direction text, target bigint,
	OUT step integer, OUT revision text, OUT down_revision text[],
	OUT transactional boolean, OUT irreversible boolean, OUT created_by name,
	OUT message text, OUT locks text, OUT plan_checksum text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_plan_wrong_target'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.plan(direction text, target "any", VARIADIC targets "any",
	OUT step integer, OUT revision text, OUT down_revision text[],
	OUT transactional boolean, OUT irreversible boolean, OUT created_by name,
	OUT message text, OUT locks text, OUT plan_checksum text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_plan_wrong_target'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.history(range "any",
	OUT revision text, OUT down_revision text[], OUT depends_on text[],
	OUT branch_labels text[], OUT is_head boolean, OUT is_current boolean,
	OUT is_branchpoint boolean, OUT is_mergepoint boolean,
	OUT applied boolean, OUT irreversible boolean, OUT created_at timestamptz,
	OUT applied_at timestamptz, OUT author text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_history_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.history(range "any", VARIADIC ranges "any",
	OUT revision text, OUT down_revision text[], OUT depends_on text[],
	OUT branch_labels text[], OUT is_head boolean, OUT is_current boolean,
	OUT is_branchpoint boolean, OUT is_mergepoint boolean,
	OUT applied boolean, OUT irreversible boolean, OUT created_at timestamptz,
	OUT applied_at timestamptz, OUT author text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_history_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.show(target "any", OUT field text, OUT value text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_show_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.show(target "any", VARIADIC targets "any", OUT field text, OUT value text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_show_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.resolve(target "any", OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_resolve_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.resolve(target "any", VARIADIC targets "any", OUT revision text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_resolve_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.require(target "any")
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_require_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.require(target "any", VARIADIC targets "any")
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_require_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.export(revision bigint,
	file_template text DEFAULT '%(rev)s_%(slug)s',
	OUT file_name text, OUT content text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_export_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.script(direction text, target bigint,
	version_table text DEFAULT 'public.cmig_version',
	transaction_per_revision boolean DEFAULT false)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_script_wrong'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.repair(revision "any")
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_repair_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.repair(revision "any", VARIADIC revisions "any")
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_repair_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.remove_revision(revision "any")
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_remove_revision_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.remove_revision(revision "any", VARIADIC revisions "any")
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_remove_revision_wrong'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.upgrade("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.downgrade("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.stamp(bigint, boolean) IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.stamp(text, text) IS 'The same as stamp(text, boolean) if the second text is a boolean; otherwise raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.stamp("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.plan(bigint) IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.plan(text, bigint) IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.plan(text, "any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.history("any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.history("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.show("any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.show("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.resolve("any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.resolve("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.require("any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.require("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.export(bigint, text) IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.script(text, bigint, text, boolean) IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.repair("any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.repair("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.remove_revision("any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';
COMMENT ON FUNCTION cmig.remove_revision("any", VARIADIC "any") IS 'Not a way to call it: raises 22023 with a hint that shows the right call.';

CREATE FUNCTION cmig.set_protect(level text)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_set_protect'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.grant_access(role name DEFAULT NULL, level text DEFAULT NULL, OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_grant_access'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.revoke_access(role name DEFAULT NULL, OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_revoke_access'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.set_protect(text) IS 'Set cmig.protect for the database (off, base, or on), or reset it with NULL, as its owner or a superuser. It takes effect at once, also in open sessions. Returns the level that the database has now; raises 22023, 42501, 25006.';
COMMENT ON FUNCTION cmig.grant_access(name, text) IS 'Give a role access to pg_cmig: reader, author (reader, and may write revisions), migrator (reader, and may run them), application (only the context of row-level security), or owner (everything, with grant option). Returns the GRANT statements; raises 22023, 42704, 42501.';
COMMENT ON FUNCTION cmig.revoke_access(name) IS 'Revoke all access to pg_cmig from a role. Returns the REVOKE statements; raises 22023, 42704, 42501.';

--
-- Stepwise runs, backfill and online recipes
--

CREATE PROCEDURE cmig.upgrade_stepwise(target text DEFAULT 'head',
	in_doubt text DEFAULT 'stop', plan_checksum text DEFAULT 'any')
AS 'MODULE_PATHNAME', 'cmig_upgrade_stepwise'
LANGUAGE C;

CREATE PROCEDURE cmig.upgrade_stepwise(targets text[],
	in_doubt text DEFAULT 'stop', plan_checksum text DEFAULT 'any')
AS 'MODULE_PATHNAME', 'cmig_upgrade_stepwise_array'
LANGUAGE C;

CREATE PROCEDURE cmig.upgrade_stepwise(target bigint,
	in_doubt text DEFAULT 'stop')
AS 'MODULE_PATHNAME', 'cmig_upgrade_stepwise_steps'
LANGUAGE C;

CREATE PROCEDURE cmig.downgrade_stepwise(target text DEFAULT NULL,
	in_doubt text DEFAULT 'stop', plan_checksum text DEFAULT 'any')
AS 'MODULE_PATHNAME', 'cmig_downgrade_stepwise'
LANGUAGE C;

CREATE PROCEDURE cmig.downgrade_stepwise(target bigint,
	in_doubt text DEFAULT 'stop')
AS 'MODULE_PATHNAME', 'cmig_downgrade_stepwise_steps'
LANGUAGE C;

CREATE PROCEDURE cmig.reset_stepwise(confirm text DEFAULT NULL,
	in_doubt text DEFAULT 'stop')
AS 'MODULE_PATHNAME', 'cmig_reset_stepwise'
LANGUAGE C;

CREATE PROCEDURE cmig.backfill(target regclass, set_sql text,
	where_sql text DEFAULT NULL, batch_size integer DEFAULT 10000,
	pause interval DEFAULT '0', max_lag interval DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_backfill'
LANGUAGE C;

CREATE PROCEDURE cmig.add_not_null(target regclass, column_name text)
AS 'MODULE_PATHNAME', 'cmig_add_not_null'
LANGUAGE C;

CREATE PROCEDURE cmig.add_check(target regclass, name text, condition text)
AS 'MODULE_PATHNAME', 'cmig_add_check'
LANGUAGE C;

CREATE PROCEDURE cmig.add_foreign_key(target regclass, columns text[],
	referenced regclass, referenced_columns text[] DEFAULT NULL,
	name text DEFAULT NULL, on_delete text DEFAULT 'NO ACTION',
	on_update text DEFAULT 'NO ACTION')
AS 'MODULE_PATHNAME', 'cmig_add_foreign_key'
LANGUAGE C;

CREATE PROCEDURE cmig.add_foreign_key(target regclass, columns text,
	referenced regclass, referenced_columns text DEFAULT NULL,
	name text DEFAULT NULL, on_delete text DEFAULT 'NO ACTION',
	on_update text DEFAULT 'NO ACTION')
AS 'MODULE_PATHNAME', 'cmig_add_foreign_key'
LANGUAGE C;

CREATE PROCEDURE cmig.add_unique(target regclass, columns text[],
	name text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_add_unique'
LANGUAGE C;

CREATE PROCEDURE cmig.add_unique(target regclass, columns text,
	name text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_add_unique'
LANGUAGE C;

COMMENT ON PROCEDURE cmig.add_not_null(regclass, text) IS 'ALTER COLUMN SET NOT NULL without a long lock: add a CHECK as NOT VALID, validate it, then SET NOT NULL, each committed. Can be called again. Raises 0A000, 23514, 25001, 42703, 55P03.';
COMMENT ON PROCEDURE cmig.add_check(regclass, text, text) IS 'Add a CHECK constraint as NOT VALID, then validate it, each committed. Can be called again. Raises 0A000, 23514, 25001, 42710, 55P03.';
COMMENT ON PROCEDURE cmig.add_foreign_key(regclass, text[], regclass, text[], text, text, text) IS 'Add a foreign key as NOT VALID, then validate it, each committed; referenced_columns is the primary key if it is not given. Can be called again. Raises 0A000, 22004, 22023, 23503, 25001, 42710, 55P03.';
COMMENT ON PROCEDURE cmig.add_foreign_key(regclass, text, regclass, text, text, text, text) IS 'For one column, or a literal such as {a,b}: add a foreign key as NOT VALID, then validate it, each committed; referenced_columns is the primary key if it is not given. Can be called again. Raises 0A000, 22004, 22023, 23503, 25001, 42710, 55P03.';
COMMENT ON PROCEDURE cmig.add_unique(regclass, text[], text) IS 'Build a unique index concurrently and make it a constraint. Can be called again; drops the invalid index of an interrupted build. Raises 0A000, 22004, 22023, 23505, 25001, 42710, 42P07, 55P03.';
COMMENT ON PROCEDURE cmig.add_unique(regclass, text, text) IS 'For one column, or a literal such as {a,b}: build a unique index concurrently and make it a constraint. Can be called again; drops the invalid index of an interrupted build. Raises 0A000, 22004, 22023, 23505, 25001, 42710, 42P07, 55P03.';

CREATE VIEW cmig.backfill_progress AS
SELECT b.id, b.target, b.set_sql, b.where_sql, b.revision,
	CASE WHEN b.state OPERATOR(pg_catalog.=) 'done' THEN 'done'
		WHEN b.revision IS NOT NULL AND b.statement IS NULL THEN 'abandoned'
		WHEN pg_catalog.pg_is_in_recovery() THEN 'begun'
		WHEN EXISTS (SELECT FROM pg_catalog.pg_locks l
			WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.granted
			AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d
				WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
			AND l.classid OPERATOR(pg_catalog.=) 1668114791::pg_catalog.oid
			AND l.objsubid OPERATOR(pg_catalog.=) 17224
			AND l.objid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(b.target)::pg_catalog.oid)
		THEN 'running' ELSE 'interrupted' END AS state,
	b.pass, b.rows, b.batches,
	CASE WHEN b.state OPERATOR(pg_catalog.=) 'done' THEN 100::numeric
		WHEN b.total OPERATOR(pg_catalog.>) 0
		THEN pg_catalog.round((LEAST(b.passed OPERATOR(pg_catalog./) b.total, 0.999::double precision)
			OPERATOR(pg_catalog.*) 100::double precision)::numeric, 1)
		ELSE 0::numeric END AS percent,
	CASE WHEN b.active OPERATOR(pg_catalog.>) '0'::interval
		THEN pg_catalog.round(b.rows OPERATOR(pg_catalog./) EXTRACT(epoch FROM b.active)) END AS rows_per_second,
	b.started_at, b.active,
	CASE WHEN b.state OPERATOR(pg_catalog.<>) 'done'
			AND (b.revision IS NULL OR b.statement IS NOT NULL) AND b.pass OPERATOR(pg_catalog.=) 1
			AND b.passed OPERATOR(pg_catalog.>) 0::double precision
			AND b.total OPERATOR(pg_catalog.>) 0::double precision
		THEN pg_catalog.date_trunc('second', b.active OPERATOR(pg_catalog.*)
			((b.total OPERATOR(pg_catalog.-) LEAST(b.passed, b.total)) OPERATOR(pg_catalog./) b.passed)) END AS eta
FROM cmig.backfill_run b;
COMMENT ON VIEW cmig.backfill_progress IS 'Each backfill: its state (running, interrupted, abandoned, done; on a standby begun), rows so far, percent, rate, and remaining time; for other sessions to watch.';
COMMENT ON COLUMN cmig.backfill_progress.id IS 'Order of start';
COMMENT ON COLUMN cmig.backfill_progress.target IS 'The table, with its schema';
COMMENT ON COLUMN cmig.backfill_progress.set_sql IS 'The argument set_sql';
COMMENT ON COLUMN cmig.backfill_progress.where_sql IS 'The argument where_sql; NULL for all rows';
COMMENT ON COLUMN cmig.backfill_progress.revision IS 'The revision whose script called it; NULL if there is none';
COMMENT ON COLUMN cmig.backfill_progress.state IS 'running, interrupted, abandoned (a stamp has settled its revision, so nothing resumes it), or done; on a standby begun instead of the first two';
COMMENT ON COLUMN cmig.backfill_progress.pass IS 'The current pass over the table, from 1';
COMMENT ON COLUMN cmig.backfill_progress.rows IS 'Rows updated so far';
COMMENT ON COLUMN cmig.backfill_progress.batches IS 'Batches committed so far';
COMMENT ON COLUMN cmig.backfill_progress.percent IS 'Percentage of the current pass that is done';
COMMENT ON COLUMN cmig.backfill_progress.rows_per_second IS 'rows divided by the time spent';
COMMENT ON COLUMN cmig.backfill_progress.started_at IS 'When it began';
COMMENT ON COLUMN cmig.backfill_progress.active IS 'Time spent on it';
COMMENT ON COLUMN cmig.backfill_progress.eta IS 'Remaining time of the first pass at the rate so far';

COMMENT ON PROCEDURE cmig.backfill(regclass, text, text, integer, interval, interval) IS 'Update a table in batches with a commit after each: UPDATE target SET set_sql WHERE where_sql. With where_sql, until no row matches; without it, each row that exists at the start once. Resumes where an interrupted backfill stopped. Raises 0A000, 22023, 25001, 42501, 42601, 42703, 42804, 42809, 55000, 55P03, MG008.';
COMMENT ON PROCEDURE cmig.upgrade_stepwise(text, text, text) IS 'Apply revisions up to target and commit after each; a revision that is not transactional runs statement by statement at top level, and is resumed after an interruption. Raises 22004, 22023, 25001, 55000, 55P03, MG001 to MG006, MG008, MG009, MG012, MG016.';
COMMENT ON PROCEDURE cmig.upgrade_stepwise(text[], text, text) IS 'Apply revisions up to several absolute targets and commit after each. Raises as upgrade_stepwise(text, text, text).';
COMMENT ON PROCEDURE cmig.upgrade_stepwise(bigint, text) IS 'Apply the next N revisions and commit after each: upgrade_stepwise(2) is upgrade_stepwise(''+2''). Raises as upgrade_stepwise(text, text, text).';
COMMENT ON PROCEDURE cmig.downgrade_stepwise(bigint, text) IS 'Revert the last N revisions and commit after each: downgrade_stepwise(-1) is downgrade_stepwise(''-1''). Raises as downgrade_stepwise(text, text, text).';
COMMENT ON PROCEDURE cmig.downgrade_stepwise(text, text, text) IS 'Revert revisions down to target and commit after each. Raises 22023, 25001, 55000, 55P03, MG001 to MG006, MG008, MG011, MG012, MG016.';
COMMENT ON PROCEDURE cmig.reset_stepwise(text, text) IS 'Downgrade to base and upgrade to heads again, with a commit after each revision; confirm must be the database''s name. Raises 22023, 25001, 55000, 55P03, MG005, MG006, MG008, MG009, MG011, MG012.';

--
-- Row-level security
--

CREATE FUNCTION cmig.set_context(user_id text, tenant_id text DEFAULT NULL,
	is_local boolean DEFAULT true)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_set_context'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

-- for keys that are not text, such as uuid
CREATE FUNCTION cmig.set_context(user_id "any", tenant_id "any" DEFAULT NULL,
	is_local boolean DEFAULT true)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_set_context'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.clear_context()
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_clear_context'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.context(OUT user_id text, OUT tenant_id text)
RETURNS record
AS 'MODULE_PATHNAME', 'cmig_context'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.current_user_id()
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_current_user_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.current_tenant_id()
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_current_tenant_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.require_user_id()
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_require_user_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.require_tenant_id()
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_require_tenant_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.enable_rls(target regclass,
	user_column text DEFAULT NULL, tenant_column text DEFAULT NULL,
	roles text[] DEFAULT NULL, bypass_roles text[] DEFAULT '{}',
	shared boolean DEFAULT false, public_read boolean DEFAULT false,
	commands text[] DEFAULT '{ALL}', force boolean DEFAULT true,
	column_default boolean DEFAULT false, create_index boolean DEFAULT true,
	require_context boolean DEFAULT false,
	via regclass DEFAULT NULL, via_key text DEFAULT NULL,
	via_user text DEFAULT NULL, key_column text DEFAULT NULL,
	OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_enable_rls'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.enable_rls_schema(schema text,
	user_column text DEFAULT NULL, tenant_column text DEFAULT NULL,
	roles text[] DEFAULT NULL, bypass_roles text[] DEFAULT '{}',
	shared boolean DEFAULT false, public_read boolean DEFAULT false,
	commands text[] DEFAULT '{ALL}', force boolean DEFAULT true,
	column_default boolean DEFAULT false, create_index boolean DEFAULT true,
	require_context boolean DEFAULT false,
	except_tables regclass[] DEFAULT '{}',
	OUT target text, OUT statement text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_enable_rls_schema'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rls_script(target regclass,
	user_column text DEFAULT NULL, tenant_column text DEFAULT NULL,
	roles text[] DEFAULT NULL, bypass_roles text[] DEFAULT '{}',
	shared boolean DEFAULT false, public_read boolean DEFAULT false,
	commands text[] DEFAULT '{ALL}', force boolean DEFAULT true,
	column_default boolean DEFAULT false, create_index boolean DEFAULT true,
	require_context boolean DEFAULT false,
	via regclass DEFAULT NULL, via_key text DEFAULT NULL,
	via_user text DEFAULT NULL, key_column text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_rls_script'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.disable_rls(target regclass, OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_disable_rls'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rls_check(schema text DEFAULT NULL,
	OUT rule text, OUT severity text, OUT object text, OUT problem text, OUT fix text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_rls_check'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rls_status(schema text DEFAULT NULL,
	OUT target text, OUT enabled boolean, OUT forced boolean, OUT columns text,
	OUT roles text, OUT bypass_roles text, OUT policies integer, OUT by_hand integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_rls_status'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rls_test(target regclass, role name,
	user_id text DEFAULT NULL, tenant_id text DEFAULT NULL,
	user_column text DEFAULT NULL, tenant_column text DEFAULT NULL,
	OUT as_user text, OUT as_tenant text, OUT test text, OUT visible bigint,
	OUT own bigint, OUT foreign_rows bigint, OUT verdict text, OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_rls_test'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rls_test(target regclass, role name, user_ids text[],
	tenant_ids text[] DEFAULT NULL,
	user_column text DEFAULT NULL, tenant_column text DEFAULT NULL,
	OUT as_user text, OUT as_tenant text, OUT test text, OUT visible bigint,
	OUT own bigint, OUT foreign_rows bigint, OUT verdict text, OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_rls_test_matrix'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.rls_check(text) IS 'Check a schema, or all of them, for holes and slow conditions in row-level security: rule, severity (error, warning, notice), object, problem, and fix. Raises 3F000.';
COMMENT ON FUNCTION cmig.rls_status(text) IS 'The tables of a schema, or of all schemas, with their row-level security flags, the columns that policies use, the roles that they apply to, the bypass roles, and the number of policies, in total and not created by enable_rls. Raises 3F000.';
COMMENT ON FUNCTION cmig.rls_test(regclass, name, text, text, text, text) IS 'Try to read, write, and move rows of a table as a role with a context, and roll everything back: rows seen, and the verdict. Raises 22023, 22P02, 42501, 42703, 42704, 42804, 42809.';
COMMENT ON FUNCTION cmig.rls_test(regclass, name, text[], text[], text, text) IS 'rls_test for several contexts: the n-th user with the n-th tenant. Raises as rls_test.';
COMMENT ON FUNCTION cmig.set_context(text, text, boolean) IS 'Set the user and the tenant that policies see, until the end of the transaction or, with is_local => false, of the session; NULL and '''' mean none.';
COMMENT ON FUNCTION cmig.set_context("any", "any", boolean) IS 'As set_context(text, text, boolean), for keys of any type.';
COMMENT ON FUNCTION cmig.clear_context() IS 'Clear the context of the transaction and of the session: policies show no rows.';
COMMENT ON FUNCTION cmig.context() IS 'The user and the tenant that policies see, NULL where unset.';
COMMENT ON FUNCTION cmig.current_user_id() IS 'The user that policies see; NULL when unset.';
COMMENT ON FUNCTION cmig.current_tenant_id() IS 'The tenant that policies see; NULL when unset.';
COMMENT ON FUNCTION cmig.require_user_id() IS 'The user that policies see. Raises MG020 when unset.';
COMMENT ON FUNCTION cmig.require_tenant_id() IS 'The tenant that policies see. Raises MG020 when unset.';
COMMENT ON FUNCTION cmig.enable_rls(regclass, text, text, text[], text[], boolean, boolean, text[], boolean, boolean, boolean, boolean, regclass, text, text, text) IS 'Enable row-level security by user, tenant, or membership on a table and on the tables that inherit from it. Returns the statements that it ran; raises 0A000, 22004, 22023, 42501, 42703, 42704, 42710, 42804, 42809.';
COMMENT ON FUNCTION cmig.enable_rls_schema(text, text, text, text[], text[], boolean, boolean, text[], boolean, boolean, boolean, boolean, regclass[]) IS 'enable_rls for every table of a schema that has a key column; if it fails for any of them, none is changed, and the error names all of these. Returns table and statement; raises as enable_rls, and 3F000.';
COMMENT ON FUNCTION cmig.rls_script(regclass, text, text, text[], text[], boolean, boolean, text[], boolean, boolean, boolean, boolean, regclass, text, text, text) IS 'The statements that enable_rls would run on a table without row-level security, as text; runs nothing. Raises as enable_rls.';
COMMENT ON FUNCTION cmig.disable_rls(regclass) IS 'Revert what enable_rls created on a table and on the tables that inherit from it, and nothing else. Returns the statements that it ran; raises 42501, 42809.';

--
-- Audit
--

CREATE FUNCTION cmig.audit_trigger()
RETURNS trigger
AS 'MODULE_PATHNAME', 'cmig_audit_trigger'
LANGUAGE C;

-- an option that is null keeps its present value
CREATE FUNCTION cmig.enable_audit(target regclass,
	exclude text[] DEFAULT NULL, include text[] DEFAULT NULL,
	redact text[] DEFAULT NULL, hash text[] DEFAULT NULL,
	image text DEFAULT NULL, operations text[] DEFAULT NULL,
	skip_unchanged boolean DEFAULT NULL, query_length integer DEFAULT NULL,
	level text DEFAULT NULL, replicated boolean DEFAULT NULL,
	oversize text DEFAULT NULL,
	OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_enable_audit'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.enable_audit_schema(schema text, pattern text DEFAULT '%',
	exclude text[] DEFAULT NULL, include text[] DEFAULT NULL,
	redact text[] DEFAULT NULL, hash text[] DEFAULT NULL,
	image text DEFAULT NULL, operations text[] DEFAULT NULL,
	skip_unchanged boolean DEFAULT NULL, query_length integer DEFAULT NULL,
	level text DEFAULT NULL, replicated boolean DEFAULT NULL,
	oversize text DEFAULT NULL,
	OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_enable_audit_schema'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.disable_audit(target regclass, OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_disable_audit'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_status(schema text DEFAULT NULL,
	OUT target text, OUT table_id integer, OUT level text,
	OUT operations text, OUT options text, OUT problem text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_status'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_script(target regclass,
	exclude text[] DEFAULT NULL, include text[] DEFAULT NULL,
	redact text[] DEFAULT NULL, hash text[] DEFAULT NULL,
	image text DEFAULT NULL, operations text[] DEFAULT NULL,
	skip_unchanged boolean DEFAULT NULL, query_length integer DEFAULT NULL,
	level text DEFAULT NULL, replicated boolean DEFAULT NULL,
	oversize text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_audit_script'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE PROCEDURE cmig.audit_retain(keep interval, batch_rows integer DEFAULT 200000)
AS 'MODULE_PATHNAME', 'cmig_audit_retain'
LANGUAGE C;

CREATE FUNCTION cmig.audit_history(target regclass, key text,
	OUT id bigint, OUT clock_at timestamptz, OUT transaction_id xid8,
	OUT operation text, OUT row_key jsonb, OUT old_key jsonb,
	OUT changed text[], OUT old_row jsonb, OUT new_row jsonb,
	OUT user_id text, OUT tenant_id text, OUT role text,
	OUT session_role text, OUT application_name text,
	OUT client_address inet, OUT revision text, OUT reason text,
	OUT request_id text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_history'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_history(target regclass, key "any",
	OUT id bigint, OUT clock_at timestamptz, OUT transaction_id xid8,
	OUT operation text, OUT row_key jsonb, OUT old_key jsonb,
	OUT changed text[], OUT old_row jsonb, OUT new_row jsonb,
	OUT user_id text, OUT tenant_id text, OUT role text,
	OUT session_role text, OUT application_name text,
	OUT client_address inet, OUT revision text, OUT reason text,
	OUT request_id text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_history'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_history(target text, key text,
	OUT id bigint, OUT clock_at timestamptz, OUT transaction_id xid8,
	OUT operation text, OUT row_key jsonb, OUT old_key jsonb,
	OUT changed text[], OUT old_row jsonb, OUT new_row jsonb,
	OUT user_id text, OUT tenant_id text, OUT role text,
	OUT session_role text, OUT application_name text,
	OUT client_address inet, OUT revision text, OUT reason text,
	OUT request_id text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_history'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_history(target text, key "any",
	OUT id bigint, OUT clock_at timestamptz, OUT transaction_id xid8,
	OUT operation text, OUT row_key jsonb, OUT old_key jsonb,
	OUT changed text[], OUT old_row jsonb, OUT new_row jsonb,
	OUT user_id text, OUT tenant_id text, OUT role text,
	OUT session_role text, OUT application_name text,
	OUT client_address inet, OUT revision text, OUT reason text,
	OUT request_id text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_history'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_as_of(row_type anyelement, at timestamptz)
RETURNS SETOF anyelement
AS 'MODULE_PATHNAME', 'cmig_audit_as_of'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_as_of(row_type anyelement, at timestamptz, key text)
RETURNS SETOF anyelement
AS 'MODULE_PATHNAME', 'cmig_audit_as_of'
LANGUAGE C STABLE PARALLEL UNSAFE;

-- for keys that are not text
CREATE FUNCTION cmig.audit_as_of(row_type anyelement, at timestamptz, key "any")
RETURNS SETOF anyelement
AS 'MODULE_PATHNAME', 'cmig_audit_as_of'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_diff(target regclass, key text,
	from_time timestamptz, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_diff(target regclass, key "any",
	from_time timestamptz, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_diff(target text, key text,
	from_time timestamptz, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_diff(target text, key "any",
	from_time timestamptz, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_transaction(transaction_id xid8,
	OUT id bigint, OUT clock_at timestamptz, OUT schema_name text,
	OUT table_name text, OUT operation text, OUT row_key jsonb,
	OUT old_key jsonb, OUT changed text[], OUT old_row jsonb,
	OUT new_row jsonb, OUT user_id text, OUT tenant_id text, OUT role text,
	OUT revision text, OUT reason text, OUT request_id text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_transaction'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_report(target text DEFAULT NULL,
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL,
	OUT hour timestamptz, OUT schema_name text, OUT table_name text,
	OUT operation text, OUT user_id text, OUT role text,
	OUT entries bigint, OUT transactions bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_report'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_import(source regclass, mapping jsonb DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'cmig_audit_import'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.audit_trigger() IS 'The trigger that enable_audit creates on tables. Raises 39P01 if it is called in another way, 54000 for values that exceed the limits of jsonb, and 42501, 42P01, or 55000 if the log cannot be used.';
COMMENT ON FUNCTION cmig.enable_audit(regclass, text[], text[], text[], text[], text, text[], boolean, integer, text, boolean, text) IS 'Log the changes of a table in cmig_audit.log. If the table is already audited, change the options that are not null. Returns the statements that were run, none if nothing was changed; raises 0A000, 42501, 42809, 42703, 22004, 22023, 55000.';
COMMENT ON FUNCTION cmig.enable_audit_schema(text, text, text[], text[], text[], text[], text, text[], boolean, integer, text, boolean, text) IS 'Call enable_audit for all tables of a schema whose names match a LIKE pattern; a column to hide need not exist in each of them. Returns the statements that were run; raises the errors of enable_audit, and 3F000.';
COMMENT ON FUNCTION cmig.disable_audit(regclass) IS 'Stop logging the changes of a table; its entries stay in the log. Returns the statements that were run; raises 42501, 42809, 55000.';
COMMENT ON FUNCTION cmig.audit_status(text) IS 'The tables of a schema, or of all schemas, how each one is audited (null if it is not), and what is wrong with its audit. Raises 3F000.';
COMMENT ON FUNCTION cmig.audit_script(regclass, text[], text[], text[], text[], text, text[], boolean, integer, text, boolean, text) IS 'A script that audits the table in a database without pg_cmig, with the same log. Raises the errors of enable_audit, and 0A000.';
COMMENT ON PROCEDURE cmig.audit_retain(interval, integer) IS 'Create the log''s partitions of the next months, move entries from the default partition into partitions, batch_rows in each transaction, and drop partitions in which all entries are older than keep (NULL: none). Raises 42501, 22023, 55P03, 42P01.';
COMMENT ON FUNCTION cmig.audit_import(regclass, jsonb) IS 'Copy the rows of an older audit table into the log; mapping names the columns that do not have their usual names. Returns the number of rows; raises 42501, 42703, 22023, 22004, 42P01.';
COMMENT ON FUNCTION cmig.audit_as_of(anyelement, timestamptz) IS 'The rows of a table as they were at a time: audit_as_of(NULL::<table>, <time>). Raises 42809, 42704, 22004, 42501, 0A000, 55000, and the error of a type that no longer accepts a value.';
COMMENT ON FUNCTION cmig.audit_as_of(anyelement, timestamptz, text) IS 'The row with the given key as it was at a time. Raises the same errors as without key, and 22023.';
COMMENT ON FUNCTION cmig.audit_as_of(anyelement, timestamptz, "any") IS 'The row with the given key as it was at a time. Raises the same errors as without key, and 22023.';
COMMENT ON FUNCTION cmig.audit_transaction(xid8) IS 'The entries of one transaction, in order. Raises 42501, 42P01.';
COMMENT ON FUNCTION cmig.audit_report(text, timestamptz, timestamptz) IS 'The number of entries and transactions by hour, table, operation, user, and role, for all tables or one. Raises 42501, 42P01, 42704.';
COMMENT ON FUNCTION cmig.audit_history(regclass, text) IS 'The entries of all rows that ever had the key, in order, including those from before and after the key changed; key is a JSON object, or the value of a key with one column. Raises 22004, 22023, 42501, 42704, 42P01.';
COMMENT ON FUNCTION cmig.audit_history(regclass, "any") IS 'The entries of all rows that ever had the key, in order, including those from before and after the key changed; key is a JSON object, or the value of a key with one column. Raises 22004, 22023, 42501, 42704, 42P01.';
COMMENT ON FUNCTION cmig.audit_diff(regclass, text, timestamptz, timestamptz) IS 'The columns of a row that differ between two times. Raises the errors of audit_history.';
COMMENT ON FUNCTION cmig.audit_diff(regclass, "any", timestamptz, timestamptz) IS 'The columns of a row that differ between two times. Raises the errors of audit_history.';
COMMENT ON FUNCTION cmig.audit_history(text, text) IS 'The entries of all rows that ever had the key, in order, including those from before and after the key changed; key is a JSON object, or the value of a key with one column. Raises 22004, 22023, 42501, 42704, 42P01.';
COMMENT ON FUNCTION cmig.audit_history(text, "any") IS 'The entries of all rows that ever had the key, in order, including those from before and after the key changed; key is a JSON object, or the value of a key with one column. Raises 22004, 22023, 42501, 42704, 42P01.';
COMMENT ON FUNCTION cmig.audit_diff(text, text, timestamptz, timestamptz) IS 'The columns of a row that differ between two times. Raises the errors of audit_history.';
COMMENT ON FUNCTION cmig.audit_diff(text, "any", timestamptz, timestamptz) IS 'The columns of a row that differ between two times. Raises the errors of audit_history.';

--
-- The schema as text, and its differences from another one
--

CREATE FUNCTION cmig.schema_sql(schemas text[] DEFAULT NULL, owners boolean DEFAULT false,
	privileges boolean DEFAULT true, comments boolean DEFAULT true)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_schema_sql'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.diff(target_sql text, schemas text[] DEFAULT NULL, compare text DEFAULT 'all',
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}', concurrently boolean DEFAULT false,
	OUT step integer, OUT action text, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_diff'
LANGUAGE C;

CREATE FUNCTION cmig.diff_schemas(from_schema text, to_schema text, compare text DEFAULT 'all',
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}', concurrently boolean DEFAULT false,
	OUT step integer, OUT action text, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_diff_schemas'
LANGUAGE C;

CREATE FUNCTION cmig.autogenerate(message text, target_sql text,
	rev_id text DEFAULT NULL, head text DEFAULT 'head', splice boolean DEFAULT false,
	branch_label text DEFAULT NULL, depends_on text[] DEFAULT '{}',
	file_template text DEFAULT '%(rev)s_%(slug)s',
	schemas text[] DEFAULT NULL, compare text DEFAULT 'all', owners boolean DEFAULT false,
	privileges boolean DEFAULT true, comments boolean DEFAULT true, renames text[] DEFAULT '{}',
	concurrently boolean DEFAULT false, store boolean DEFAULT false, source text DEFAULT 'live',
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_autogenerate'
LANGUAGE C;

CREATE FUNCTION cmig.baseline(message text, rev_id text DEFAULT NULL, branch_label text DEFAULT NULL,
	file_template text DEFAULT '%(rev)s_%(slug)s', schemas text[] DEFAULT NULL,
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_baseline'
LANGUAGE C;

CREATE FUNCTION cmig.squash(range text, message text, rev_id text DEFAULT NULL,
	file_template text DEFAULT '%(rev)s_%(slug)s', schemas text[] DEFAULT NULL,
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}',
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_squash'
LANGUAGE C;

CREATE FUNCTION cmig.require_schema(target_sql text, schemas text[] DEFAULT NULL,
	compare text DEFAULT 'all', owners boolean DEFAULT false, privileges boolean DEFAULT true,
	comments boolean DEFAULT true, renames text[] DEFAULT '{}', concurrently boolean DEFAULT false,
	source text DEFAULT 'live')
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_require_schema'
LANGUAGE C;

CREATE FUNCTION cmig.drift(schemas text[] DEFAULT NULL, compare text DEFAULT 'all',
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}', concurrently boolean DEFAULT false, raise boolean DEFAULT true,
	OUT step integer, OUT action text, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_drift'
LANGUAGE C;

CREATE FUNCTION cmig.capture(message text,
	rev_id text DEFAULT NULL, head text DEFAULT 'head', splice boolean DEFAULT false,
	branch_label text DEFAULT NULL, depends_on text[] DEFAULT '{}',
	file_template text DEFAULT '%(rev)s_%(slug)s',
	schemas text[] DEFAULT NULL, compare text DEFAULT 'all', owners boolean DEFAULT false,
	privileges boolean DEFAULT true, comments boolean DEFAULT true, renames text[] DEFAULT '{}',
	concurrently boolean DEFAULT false, store boolean DEFAULT false,
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_capture'
LANGUAGE C;

COMMENT ON FUNCTION cmig.schema_sql(text[], boolean, boolean, boolean) IS 'The schema as SQL that creates it; the same schema always gives the same text. Raises 22004, 22023, 3F000.';
COMMENT ON FUNCTION cmig.diff(text, text[], text, boolean, boolean, boolean, text[], boolean) IS 'The statements that change the database into the schema that target_sql creates, in order, each with the one that reverts it. No rows: no difference. Raises 22004, 22023, 25006, 42501, 55000, and what target_sql raises.';
COMMENT ON FUNCTION cmig.diff_schemas(text, text, text, boolean, boolean, boolean, text[], boolean) IS 'The statements that change one schema into another one, as for diff. Raises 22004, 22023, 25006, 3F000, 55000.';
COMMENT ON FUNCTION cmig.autogenerate(text, text, text, text, boolean, text, text[], text, text[], text, boolean, boolean, boolean, text[], boolean, boolean, text) IS 'A revision file that changes the database into the schema that target_sql creates, and back: its id, name, content, and hazards; with store, it is also stored. No row if there is no difference. Raises MG010 if revisions are pending, MG014, and as create_revision and diff.';
COMMENT ON FUNCTION cmig.squash(text, text, text, text, text[], boolean, boolean, boolean, text[]) IS 'A revision file that replaces the revisions of a range: what they change in the schema, and their statements that change rows, which must be resolved. Stores nothing. Returns the columns of autogenerate; raises MG001 to MG005, MG014, 22004, 22023, 23505, 3F000, and as diff.';
COMMENT ON FUNCTION cmig.baseline(text, text, text, text, text[], boolean, boolean, boolean) IS 'Store a revision that creates the existing schema, and record it as applied: the first revision of a database that has been managed in another way. Returns the columns of autogenerate; raises MG005, 22004, 22023, 23505, 3F000, 55000.';
COMMENT ON FUNCTION cmig.require_schema(text, text[], text, boolean, boolean, boolean, text[], boolean, text) IS 'Do nothing if the database has the schema that target_sql creates; otherwise raise an error that lists the differences. Raises MG010, MG014, 3F000, and as diff.';
COMMENT ON FUNCTION cmig.drift(text[], text, boolean, boolean, boolean, text[], boolean, boolean) IS 'The statements that change the schema back to what the applied revisions create, in order, each with the equivalent of what was run by hand. No rows: no drift. Adds a row to cmig.journal. Raises MG001, MG014, 22004, 22023, 25006, 3F000, 40001, 42501, 55000.';
COMMENT ON FUNCTION cmig.capture(text, text, text, boolean, text, text[], text, text[], text, boolean, boolean, boolean, text[], boolean, boolean) IS 'A revision file that adopts what drift finds: its id, name, content, and hazards; with store, it is stored and stamped. No row if there is no drift. Raises MG010 if revisions are pending, and as create_revision and drift.';

--
-- Inspecting what revisions would do
--

CREATE FUNCTION cmig.round_trip(revision text DEFAULT NULL, raise boolean DEFAULT false,
	OUT revision text, OUT problem text, OUT kind text, OUT object text,
	OUT missing_sql text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_round_trip'
LANGUAGE C;

CREATE FUNCTION cmig.verify(target text DEFAULT 'current', raise boolean DEFAULT false,
	OUT revision text, OUT ok boolean, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_verify'
LANGUAGE C;

COMMENT ON FUNCTION cmig.round_trip(text, boolean) IS 'Upgrade, downgrade, and upgrade again each revision, or one, in empty schemas that are rolled back: what the downgrade leaves behind, does not restore, or leaves changed, and what a second upgrade does differently; for merges, whether the order of their branches matters. No rows: every downgrade reverts its upgrade. Raises MG001 to MG005, 25006, 55000; with raise, MG015 if there are rows.';

COMMENT ON FUNCTION cmig.verify(text, boolean) IS 'Run the verify sections of the applied revisions, or of one and its ancestors, each in a subtransaction that is rolled back: a row for each, with what is wrong. Raises MG001, MG002, MG004, MG005, MG010 if the target is not applied, 55000; with raise, MG009 if one fails.';

CREATE FUNCTION cmig.lint(target text DEFAULT 'heads',
	OUT revision text, OUT statement integer, OUT line integer, OUT rule text,
	OUT severity text, OUT message text, OUT safe_rewrite text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_lint'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.lint_sql(script text, transactional boolean DEFAULT true,
	facts boolean DEFAULT true,
	OUT statement integer, OUT line integer, OUT rule text,
	OUT severity text, OUT message text, OUT safe_rewrite text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_lint_sql'
LANGUAGE C STABLE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.lint(text) IS 'What the statements of pending revisions would lock, rewrite, scan, break, or lose, according to their text and the existing tables; executes nothing. Raises MG001 to MG005, 22023.';
COMMENT ON FUNCTION cmig.lint_sql(text, boolean, boolean) IS 'As lint, for the text of one script; with facts => false, as in an empty database.';

--
-- Coming from other migration tools
--

CREATE FUNCTION cmig.import_files(format text, file_names text[], contents text[],
	placeholders jsonb DEFAULT '{}',
	OUT file_name text, OUT content text, OUT note text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_import_files'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.import_state(tool text, history_table regclass DEFAULT NULL,
	OUT applied text, OUT revision text, OUT note text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_import_state'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.import_files(text, text[], text[], jsonb) IS 'The files of another migration tool (format) as revision files, in its order, with notes on what has no counterpart; content is NULL for a note on a file that is left out. Stores nothing. Raises MG013, 22023, 22004.';
COMMENT ON FUNCTION cmig.import_state(text, regclass) IS 'Stamp what another migration tool has applied according to its table, and report what has no revision. Changes nothing else. Raises as stamp, and 42P01, 42809, 55000, 22023.';

--
-- DDL outside of migration runs
--

CREATE FUNCTION cmig.set_ddl_policy(policy text)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_set_ddl_policy'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.allow_ddl(reason text)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_allow_ddl'
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

CREATE FUNCTION cmig.ddl_event(event text, tag text)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_ddl_event'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

-- Calls the library only if there may be a policy, and does not stop DDL if
-- there is no library or the schema was renamed.  A policy that was set after the session began is not
-- yet in the session's settings.
CREATE FUNCTION cmig.ddl_trigger()
RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('cmig.ddl_policy', true) IS NULL AND NOT EXISTS (
		SELECT FROM pg_db_role_setting s WHERE s.setrole = 0 AND s.setconfig::text LIKE '%cmig.ddl_policy=%')
		OR to_regprocedure('cmig.ddl_event(text,text)') IS NULL
	THEN
		RETURN;
	END IF;
	BEGIN
		PERFORM cmig.ddl_event(TG_EVENT, TG_TAG);
	EXCEPTION WHEN undefined_file THEN
		RAISE WARNING 'cmig.ddl_policy has no effect: %', SQLERRM
			USING HINT = 'Install the library of pg_cmig again, or DROP EXTENSION pg_cmig';
	END;
END
$$;

CREATE EVENT TRIGGER cmig_ddl_start ON ddl_command_start
WHEN TAG IN ('CREATE INDEX', 'DROP INDEX', 'ALTER TABLE') EXECUTE FUNCTION cmig.ddl_trigger();
CREATE EVENT TRIGGER cmig_ddl_end ON ddl_command_end EXECUTE FUNCTION cmig.ddl_trigger();
CREATE EVENT TRIGGER cmig_ddl_drop ON sql_drop EXECUTE FUNCTION cmig.ddl_trigger();
ALTER EVENT TRIGGER cmig_ddl_start ENABLE ALWAYS;
ALTER EVENT TRIGGER cmig_ddl_end ENABLE ALWAYS;
ALTER EVENT TRIGGER cmig_ddl_drop ENABLE ALWAYS;

COMMENT ON FUNCTION cmig.set_ddl_policy(text) IS 'Set cmig.ddl_policy for the database (allow, log, or deny), or reset it with NULL, as its owner or a superuser. It takes effect at once, also in open sessions. Returns the policy that the database has now; raises 22023, 42501, 25006.';
COMMENT ON FUNCTION cmig.allow_ddl(text) IS 'Allow DDL outside of migration runs until the end of the transaction, although cmig.ddl_policy is deny; the reason and what is done are recorded in cmig.ddl_log. Raises 22023, 25006.';
COMMENT ON FUNCTION cmig.ddl_event(text, text) IS 'Applies cmig.ddl_policy to the command of an event trigger. Called by cmig.ddl_trigger(); raises MG022, and 39P03 if it is called otherwise.';
COMMENT ON FUNCTION cmig.ddl_trigger() IS 'The function of the event triggers that detect DDL outside of migration runs. It does nothing unless cmig.ddl_policy is set.';

--
-- Privileges: everything belongs to the bootstrap superuser, so that no other
-- role can replace a function or create a trigger on a table.  PUBLIC has no
-- privileges.  The installing role may use everything and grant it.
--
-- Default privileges may have granted something on the objects created above.
-- The owner is set first: what is granted at the end becomes the initial
-- privileges, and pg_dump writes only what differs from them.
--

DO $$
DECLARE
	installer oid := $o$@extowner@$o$::pg_catalog.regrole;
	bootstrap pg_catalog.regrole := 10;
	objects text := $q$
		SELECT 'SCHEMA cmig', n.nspacl, n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = 'cmig'
		UNION ALL
		SELECT pg_catalog.format('%s cmig.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname), c.relacl, c.relowner
		FROM pg_catalog.pg_class c WHERE c.relnamespace = 'cmig'::pg_catalog.regnamespace AND c.relkind IN ('r', 'v', 'S')
		UNION ALL
		SELECT pg_catalog.format('ROUTINE %s', p.oid::pg_catalog.regprocedure),
			coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner
		FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'cmig'::pg_catalog.regnamespace$q$;
	o record;
BEGIN
	-- a sequence follows its table
	FOR o IN EXECUTE pg_catalog.format('SELECT * FROM (%s) o (name, acl, owner)', objects) LOOP
		CONTINUE WHEN o.owner = bootstrap OR o.name LIKE 'SEQUENCE %';
		EXECUTE pg_catalog.format('ALTER %s OWNER TO %s', o.name, bootstrap);
	END LOOP;
	FOR o IN EXECUTE pg_catalog.format('SELECT DISTINCT o.name, a.grantee FROM (%s) o (name, acl, owner),'
		' pg_catalog.aclexplode(o.acl) a WHERE a.grantee <> o.owner', objects)
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', o.name,
			CASE o.grantee WHEN 0 THEN 'PUBLIC' ELSE o.grantee::pg_catalog.regrole::text END);
	END LOOP;
	IF NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = installer) THEN
		PERFORM cmig.grant_access(pg_catalog.pg_get_userbyid(installer), 'owner');
	END IF;
END
$$;
