/*
 * pg_cmig--1.2.sql
 *
 * Copyright (c) 2026, the pg_cmig developers
 */

\echo Use "CREATE EXTENSION pg_cmig" to load this file. \quit

CREATE SCHEMA cmig;
COMMENT ON SCHEMA cmig IS 'pg_cmig: schema migrations inside the database; SELECT * FROM cmig.status() shows its state';

--
-- Tables
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
	created_by name NOT NULL DEFAULT CURRENT_USER,
	file_name text,
	file_lines integer[],
	expand text
);

CREATE TABLE cmig.version (
	revision text PRIMARY KEY
);

CREATE TABLE cmig.scope_version (
	scope text NOT NULL CONSTRAINT scope_version_scope_check CHECK (scope <> ''),
	revision text NOT NULL,
	PRIMARY KEY (scope, revision)
);

CREATE TABLE cmig.journal (
	id bigint NOT NULL,
	revision text,
	direction text NOT NULL CONSTRAINT journal_direction_check
		CHECK (direction IN ('upgrade', 'downgrade', 'stamp', 'repair', 'drift', 'expand', 'abandon')),
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
	statement integer,
	scope text NOT NULL DEFAULT '',
	PRIMARY KEY (scope, id),
	-- a run in a scope can fail before its first revision
	CONSTRAINT journal_revision_check
	CHECK (revision IS NOT NULL OR direction = 'drift' OR (scope <> '' AND outcome = 'failed'))
);
CREATE INDEX journal_revision_idx ON cmig.journal (revision, scope, id);
CREATE FUNCTION cmig.journal_trigger()
RETURNS trigger
AS 'MODULE_PATHNAME', 'cmig_journal_trigger'
LANGUAGE C;
COMMENT ON FUNCTION cmig.journal_trigger() IS 'Trigger function of cmig.journal and cmig.backfill_run. Prevents migrators from writing journal rows for a role that they cannot SET ROLE to, or with an id far above the last one, and rows of backfills of tables that they cannot update. Makes an INSERT by hand wait until a run in progress has ended. Raises an error if the row is not allowed (42501), a stepwise run is in progress (55P03), or it is called in any other way (39P01).';
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
	scope text NOT NULL DEFAULT '',
	PRIMARY KEY (scope, revision, direction, statement)
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
	active interval NOT NULL DEFAULT '0',
	scope text NOT NULL DEFAULT '',
	rows_total bigint,
	last_error text,
	target_id text
);

CREATE TRIGGER backfill_trigger BEFORE INSERT OR UPDATE OR DELETE ON cmig.backfill_run
FOR EACH ROW EXECUTE FUNCTION cmig.journal_trigger();

CREATE TABLE cmig.run_control (
	kind text NOT NULL CONSTRAINT run_control_kind_check
		CHECK (kind IN ('all', 'revision', 'relation')),
	name text NOT NULL,
	paused boolean NOT NULL DEFAULT false,
	max_rows_per_second integer CONSTRAINT run_control_rate_check
		CHECK (max_rows_per_second > 0),
	role name NOT NULL DEFAULT CURRENT_USER,
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	PRIMARY KEY (kind, name)
);

CREATE TABLE cmig.expansion_run (
	scope text NOT NULL DEFAULT '' PRIMARY KEY,
	revision text NOT NULL,
	revisions text[] NOT NULL,
	schemas text[] NOT NULL,
	-- what is looked up as the name of a relation can be one, or is empty; with the
	-- flag, names can have line breaks
	columns jsonb NOT NULL CONSTRAINT expansion_run_columns_check CHECK (jsonb_typeof(columns) = 'array'
		AND NOT columns @? '$[*][0,1,8].type() ? (@ == "array" || @ == "object")' AND NOT columns @? E'$[*][0,1,8] ? (@ != null
		&& (@.type() != "string" || !(@ like_regex "^(([a-z_][a-z0-9_]*|\\"([^\\"]|\\"\\")+\\")[.]([a-z_][a-z0-9_]*|\\"([^\\"]|\\"\\")+\\"))?$" flag "s")))' AND NOT columns @? '$[*][1,8] ? (@ == "")'),
	checksum text NOT NULL DEFAULT '',
	state text NOT NULL DEFAULT 'expanding' CONSTRAINT expansion_run_state_check
		CHECK (state IN ('expanding', 'expanded', 'contracting')),
	role name NOT NULL DEFAULT CURRENT_USER,
	started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	counted jsonb CONSTRAINT expansion_run_counted_check
		CHECK (coalesce(jsonb_typeof(counted->'calls') = 'object' AND counted->'at' BETWEEN '0' AND '100000000000', counted IS NULL))
);

CREATE TABLE cmig.expansion_step (
	scope text NOT NULL DEFAULT '',
	position integer NOT NULL,
	phase text NOT NULL,
	relation text NOT NULL CONSTRAINT expansion_step_relation_check CHECK (relation ~ '^(([a-z_][a-z0-9_]*|"([^"]|"")+")[.]([a-z_][a-z0-9_]*|"([^"]|"")+"))?$'),
	statement text NOT NULL,
	done boolean NOT NULL DEFAULT false,
	role name NOT NULL DEFAULT CURRENT_USER,
	PRIMARY KEY (scope, position)
);

CREATE TABLE cmig.measured (
	name text NOT NULL,
	labels jsonb NOT NULL DEFAULT '{}',
	value double precision NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.now()
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

CREATE TABLE cmig.workload (
	name text NOT NULL,
	number integer NOT NULL,
	query_id bigint,
	calls bigint NOT NULL,
	role text,
	query text NOT NULL,
	since timestamptz,
	saved_at timestamptz NOT NULL,
	PRIMARY KEY (name, number)
);

-- cmig.secret, cmig.run_control, and cmig.measured are left out: neither keys nor what is
-- paused or was measured in this server belong in a dump
SELECT pg_catalog.pg_extension_config_dump('cmig.revision', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.version', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.journal', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.progress', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.backfill_run', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.backfill_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.ddl_log', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.scope_version', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.expansion_run', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.expansion_step', '');
SELECT pg_catalog.pg_extension_config_dump('cmig.workload', '');

COMMENT ON TABLE cmig.revision IS 'Revisions: their edges, scripts, and flags. Rows can be written by hand; they are validated when they are used.';
COMMENT ON COLUMN cmig.revision.revision IS 'Identifier of the revision, up to 128 bytes. It must not contain white space or any of @ : + , ; { } " '', and must not be head, heads, base, or current';
COMMENT ON COLUMN cmig.revision.down_revision IS 'Parents: ids of the revisions that this one follows. A merge has several, a base has none';
COMMENT ON COLUMN cmig.revision.depends_on IS 'Ids or branch labels of revisions that must be applied before this one but are not its parents';
COMMENT ON COLUMN cmig.revision.branch_labels IS 'Names of the branch that starts here';
COMMENT ON COLUMN cmig.revision.precondition_sql IS 'A SELECT that must return true before the upgrade script starts; NULL if there is none';
COMMENT ON COLUMN cmig.revision.replaces IS 'Revisions that this one replaces; the last one builds on the others. If they are applied, this one counts as applied';
COMMENT ON COLUMN cmig.revision.message IS 'One line that says what the revision does';
COMMENT ON COLUMN cmig.revision.description IS 'Free text from the header of the revision file';
COMMENT ON COLUMN cmig.revision.upgrade_sql IS 'SQL that applies the revision; empty if there is nothing to do';
COMMENT ON COLUMN cmig.revision.downgrade_sql IS 'SQL that reverts the revision; NULL if it is irreversible, empty if there is nothing to do';
COMMENT ON COLUMN cmig.revision.verify_sql IS 'SQL that checks the result after the upgrade; NULL if there is none';
COMMENT ON COLUMN cmig.revision.transactional IS 'False if the statements cannot run inside a transaction block. CALL cmig.upgrade_stepwise must then run them';
COMMENT ON COLUMN cmig.revision.repeatable IS 'True if the revision has no parents and runs after each upgrade to the heads if its script has changed since it last ran';
COMMENT ON COLUMN cmig.revision.placeholders IS 'Names used as ${name} in the scripts: "name" for an identifier, "name literal" for a string. The setting cmig_var.name contains the value';
COMMENT ON COLUMN cmig.revision.previous_sql IS 'For a repeatable revision, the script that ran last, if another one has been loaded since';
COMMENT ON COLUMN cmig.revision.created_at IS 'When the revision was written: the create_date of its file';
COMMENT ON COLUMN cmig.revision.created_by IS 'Role that stored the revision in this database';
COMMENT ON COLUMN cmig.revision.file_name IS 'File that the revision was loaded from, for messages; NULL if it was loaded without a name or is not from a file';
COMMENT ON COLUMN cmig.revision.file_lines IS 'First lines of the upgrade, downgrade, and verify scripts in the file; 0 if there is no such section';
COMMENT ON COLUMN cmig.revision.expand IS 'true or strict if the revision can be expanded, so that builds for the old and the new shape run side by side; NULL if it cannot';
COMMENT ON TABLE cmig.version IS 'Applied heads, as in alembic_version: the applied revisions that no applied revision names as a parent or dependency.';
COMMENT ON COLUMN cmig.version.revision IS 'Identifier of an applied revision. All revisions that it builds on are applied, too';
COMMENT ON TABLE cmig.scope_version IS 'Applied heads of each scope, like those of the database in cmig.version.';
COMMENT ON COLUMN cmig.scope_version.scope IS 'Name of the schema';
COMMENT ON COLUMN cmig.scope_version.revision IS 'Identifier of a revision that is applied in the scope. All revisions that it builds on are applied, too, in the scope or in the database';
COMMENT ON TABLE cmig.journal IS 'Journal of what has been run: one row for each step, and one for each call of cmig.drift.';
COMMENT ON COLUMN cmig.journal.id IS 'Number of the row: the greatest existing id of the scope plus one';
COMMENT ON COLUMN cmig.journal.revision IS 'Identifier of the revision, which may no longer exist; NULL for drift, and for a run in a scope that failed before its first revision';
COMMENT ON COLUMN cmig.journal.direction IS 'upgrade, downgrade, stamp, or repair; drift for a call of cmig.drift or cmig.capture';
COMMENT ON COLUMN cmig.journal.outcome IS 'done; for stepwise runs, also running or failed';
COMMENT ON COLUMN cmig.journal.started_at IS 'When the step began';
COMMENT ON COLUMN cmig.journal.elapsed IS 'Wall-clock time of the step';
COMMENT ON COLUMN cmig.journal.role IS 'Role that the script ran as';
COMMENT ON COLUMN cmig.journal.session_role IS 'Role that the session logged in as';
COMMENT ON COLUMN cmig.journal.application_name IS 'application_name of the session';
COMMENT ON COLUMN cmig.journal.client_address IS 'Address of the client; NULL for a Unix-domain socket';
COMMENT ON COLUMN cmig.journal.transaction_id IS 'Transaction that ran the step';
COMMENT ON COLUMN cmig.journal.checksum IS 'SHA-256 of the tokens of the upgrade script that was run, stamped, or accepted, and of the transactional flag; NULL for a downgrade';
COMMENT ON COLUMN cmig.journal.search_path IS 'Value of search_path when the script started';
COMMENT ON COLUMN cmig.journal.sqlstate IS 'SQLSTATE of the error, if the step failed';
COMMENT ON COLUMN cmig.journal.message IS 'For a failed step, the error message; for a stamp, a note if a revision is no longer recorded as applied; for drift, what was found';
COMMENT ON COLUMN cmig.journal.statement IS 'Number of the statement that failed';
COMMENT ON COLUMN cmig.journal.scope IS 'Scope of the step; empty for the database';
COMMENT ON TABLE cmig.progress IS 'Progress of an unfinished stepwise step: one row for each statement.';
COMMENT ON COLUMN cmig.progress.revision IS 'Identifier of the revision';
COMMENT ON COLUMN cmig.progress.direction IS 'upgrade or downgrade';
COMMENT ON COLUMN cmig.progress.statement IS 'Number of the statement in the script, from 1';
COMMENT ON COLUMN cmig.progress.state IS 'running, in_doubt, or done';
COMMENT ON COLUMN cmig.progress.detail IS 'Information required to resume the statement, such as names of indexes';
COMMENT ON COLUMN cmig.progress.scope IS 'Scope of the step; empty for the database';
COMMENT ON TABLE cmig.backfill_run IS 'State of each backfill. The view cmig.backfill_progress shows it in readable form.';
COMMENT ON SEQUENCE cmig.backfill_run_id_seq IS 'Provides the ids of cmig.backfill_run';
COMMENT ON COLUMN cmig.backfill_run.id IS 'Number of the backfill. Backfills are numbered in the order in which they started';
COMMENT ON COLUMN cmig.backfill_run.target IS 'Table that is updated, with its schema';
COMMENT ON COLUMN cmig.backfill_run.set_sql IS 'Argument set_sql. It can be updated for an unfinished backfill; a CALL with the new text then resumes the backfill';
COMMENT ON COLUMN cmig.backfill_run.where_sql IS 'Argument where_sql; NULL for all rows';
COMMENT ON COLUMN cmig.backfill_run.revision IS 'Revision whose script called the backfill; NULL if there is none';
COMMENT ON COLUMN cmig.backfill_run.direction IS 'Direction in which that revision ran: upgrade or downgrade';
COMMENT ON COLUMN cmig.backfill_run.statement IS 'Number of the statement in that script; NULL after the step is done or has been settled by a stamp';
COMMENT ON COLUMN cmig.backfill_run.state IS 'running or done; the state stays running if the backfill is interrupted or abandoned';
COMMENT ON COLUMN cmig.backfill_run.method IS 'ctid: updates ranges of blocks, in passes until no row matches; key: updates ranges of a unique key, in one pass';
COMMENT ON COLUMN cmig.backfill_run.pass IS 'Current pass over the table, from 1';
COMMENT ON COLUMN cmig.backfill_run.relation IS 'Table or partition that is being updated';
COMMENT ON COLUMN cmig.backfill_run.key IS 'Key columns that determine the order of the batches; NULL if method is ctid';
COMMENT ON COLUMN cmig.backfill_run.place IS 'Where the next batch starts: a block number, or the last key that was updated';
COMMENT ON COLUMN cmig.backfill_run.bound IS 'Where the pass over this table or partition ends: a block number, or the greatest key when it started';
COMMENT ON COLUMN cmig.backfill_run.parts IS 'Partitions that existed at the start, if where_sql is NULL; NULL for a table without partitions';
COMMENT ON COLUMN cmig.backfill_run.total IS 'Amount of work in one pass, in blocks or estimated rows';
COMMENT ON COLUMN cmig.backfill_run.passed IS 'Amount of work done in the current pass, in the same unit as total';
COMMENT ON COLUMN cmig.backfill_run.rows IS 'Rows updated so far';
COMMENT ON COLUMN cmig.backfill_run.rows_of_pass IS 'Rows updated in the current pass';
COMMENT ON COLUMN cmig.backfill_run.batches IS 'Batches committed so far';
COMMENT ON COLUMN cmig.backfill_run.started_at IS 'When the backfill started';
COMMENT ON COLUMN cmig.backfill_run.updated_at IS 'When the last batch was committed';
COMMENT ON COLUMN cmig.backfill_run.active IS 'Time spent, not counting the time between an interruption and the next CALL';
COMMENT ON COLUMN cmig.backfill_run.scope IS 'Scope in which the backfill was called; empty for the database';
COMMENT ON COLUMN cmig.backfill_run.rows_total IS 'Rows to update when the backfill started, estimated from a sample if the table is large; NULL if it is not known';
COMMENT ON COLUMN cmig.backfill_run.last_error IS 'SQLSTATE and message of the error that ended the last CALL; NULL after it was resumed';
COMMENT ON COLUMN cmig.backfill_run.target_id IS 'The database and the OID of the table, by which the backfill is found again; the trigger sets it';
COMMENT ON TABLE cmig.measured IS 'Values of cmig.metrics that no other table has: lock_retries, with a row for each retry, and rls_findings of the last cmig.rls_check.';
COMMENT ON COLUMN cmig.measured.name IS 'Name of the metric';
COMMENT ON COLUMN cmig.measured.labels IS 'Labels, as a JSON object';
COMMENT ON COLUMN cmig.measured.value IS 'Value';
COMMENT ON COLUMN cmig.measured.at IS 'When it was measured';
COMMENT ON TABLE cmig.run_control IS 'What cmig.pause and cmig.throttle have set, and backfills read before each batch. A row is deleted when the backfill of its table, or its revision, has ended.';
COMMENT ON COLUMN cmig.run_control.kind IS 'all, revision, or relation';
COMMENT ON COLUMN cmig.run_control.name IS 'all, the id of the revision, or the table with its schema';
COMMENT ON COLUMN cmig.run_control.paused IS 'Whether the backfills wait';
COMMENT ON COLUMN cmig.run_control.max_rows_per_second IS 'How many rows each of the backfills may update per second; NULL for no limit';
COMMENT ON COLUMN cmig.run_control.role IS 'Role that changed the row last';
COMMENT ON COLUMN cmig.run_control.changed_at IS 'When the row was changed last';
COMMENT ON TABLE cmig.workload IS 'Queries that cmig.workload_save() has copied from pg_stat_statements.';
COMMENT ON COLUMN cmig.workload.name IS 'Name of the workload';
COMMENT ON COLUMN cmig.workload.number IS 'Number of the query, counted from 1 for the query that is called most';
COMMENT ON COLUMN cmig.workload.query_id IS 'queryid in pg_stat_statements';
COMMENT ON COLUMN cmig.workload.calls IS 'How often the query was called';
COMMENT ON COLUMN cmig.workload.role IS 'Role that called it';
COMMENT ON COLUMN cmig.workload.query IS 'Text, with parameters in place of constants';
COMMENT ON COLUMN cmig.workload.since IS 'When counting began; NULL if it is not known';
COMMENT ON COLUMN cmig.workload.saved_at IS 'When the query was saved';
COMMENT ON TABLE cmig.expansion_run IS 'The revision whose old and new version exist side by side in the database or in a scope. cmig.expand adds the row, and cmig.contract and cmig.abandon delete it.';
COMMENT ON COLUMN cmig.expansion_run.scope IS 'Schema, the value of cmig.scope; empty for the database';
COMMENT ON COLUMN cmig.expansion_run.revision IS 'Last of the revisions that were expanded; part of the names of the schemas with the new version';
COMMENT ON COLUMN cmig.expansion_run.revisions IS 'Revisions that cmig.contract records as applied';
COMMENT ON COLUMN cmig.expansion_run.schemas IS 'Schemas whose tables have a new version';
COMMENT ON COLUMN cmig.expansion_run.columns IS 'What cmig.expansion() shows of each column, as arrays';
COMMENT ON COLUMN cmig.expansion_run.checksum IS 'MD5 of the statements, which must not change';
COMMENT ON COLUMN cmig.expansion_run.state IS 'expanding, expanded, or contracting';
COMMENT ON COLUMN cmig.expansion_run.role IS 'Role that called cmig.expand';
COMMENT ON COLUMN cmig.expansion_run.started_at IS 'When cmig.expand was called first';
COMMENT ON COLUMN cmig.expansion_run.changed_at IS 'When the state was set';
COMMENT ON COLUMN cmig.expansion_run.counted IS 'Counters of pg_stat_statements when cmig.expand was called last';
COMMENT ON TABLE cmig.expansion_step IS 'Statements of an expansion, in their order. The owner of the database can read here what cmig.contract and cmig.abandon will run.';
COMMENT ON COLUMN cmig.expansion_step.scope IS 'Scope of the row in cmig.expansion_run';
COMMENT ON COLUMN cmig.expansion_step.position IS 'Position of the statement, counted from 1';
COMMENT ON COLUMN cmig.expansion_step.phase IS 'When the statement runs: prepare, fill, or build in cmig.expand, check or contract in cmig.contract, abandon in cmig.abandon';
COMMENT ON COLUMN cmig.expansion_step.relation IS 'Table whose statements run in the same transaction; empty if there is none';
COMMENT ON COLUMN cmig.expansion_step.statement IS 'The statement';
COMMENT ON COLUMN cmig.expansion_step.done IS 'Whether the statement has run';
COMMENT ON COLUMN cmig.expansion_step.role IS 'Role that stored the statement; only a role with the privileges of the caller is trusted';
COMMENT ON TABLE cmig.ddl_log IS 'DDL that was run outside of migration runs while cmig.ddl_policy was log, or after cmig.allow_ddl().';
COMMENT ON COLUMN cmig.ddl_log.at IS 'When the command ended';
COMMENT ON COLUMN cmig.ddl_log.command IS 'Command tag, such as ALTER TABLE, or allow_ddl for a call of that function';
COMMENT ON COLUMN cmig.ddl_log.object_type IS 'Type of the object, such as table, index, or function';
COMMENT ON COLUMN cmig.ddl_log.object IS 'Identity of the object, as the server reports it; NULL for GRANT and REVOKE';
COMMENT ON COLUMN cmig.ddl_log.role IS 'Current role of the session, as set by SET ROLE';
COMMENT ON COLUMN cmig.ddl_log.session_role IS 'Role that the session logged in as, or the one set by SET SESSION AUTHORIZATION';
COMMENT ON COLUMN cmig.ddl_log.application_name IS 'application_name of the session';
COMMENT ON COLUMN cmig.ddl_log.client_address IS 'Address of the client; NULL for a Unix-domain socket';
COMMENT ON COLUMN cmig.ddl_log.transaction_id IS 'Transaction that ran the command';
COMMENT ON COLUMN cmig.ddl_log.query IS 'First 1,000 bytes of the query that the client sent; NULL for commands that can contain a password';
COMMENT ON COLUMN cmig.ddl_log.reason IS 'Reason given to cmig.allow_ddl() in this transaction';
COMMENT ON TABLE cmig.secret IS 'Secret keys. Only the owner can read them, and pg_dump never includes them.';
COMMENT ON COLUMN cmig.secret.name IS 'Purpose of the key';
COMMENT ON COLUMN cmig.secret.value IS 'Secret key';

--
-- Upgrading, downgrading, stamping, and planning
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
-- Listing and showing revisions
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

-- an argument that is left out is NULL, here and below, and causes an error that shows
-- the correct call
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

CREATE FUNCTION cmig.check(raise boolean DEFAULT false, rehearse boolean DEFAULT false,
	OUT severity text, OUT object text, OUT problem text, OUT fix text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_check_1_2'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.require(target text DEFAULT 'heads')
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_require'
LANGUAGE C STABLE PARALLEL UNSAFE;

--
-- Creating and loading revisions
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

CREATE FUNCTION cmig.create_revision(message text DEFAULT NULL, upgrade_sql text DEFAULT NULL,
	downgrade_sql text DEFAULT NULL, verify_sql text DEFAULT NULL,
	revision text DEFAULT NULL, head text DEFAULT 'head',
	splice boolean DEFAULT false, branch_label text DEFAULT NULL,
	depends_on text[] DEFAULT '{}', transactional boolean DEFAULT true,
	precondition_sql text DEFAULT NULL, expand "any" DEFAULT NULL::text)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_create_revision_1_2'
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
-- Comments: what the functions do, return, and raise
--

COMMENT ON FUNCTION cmig.upgrade(text) IS 'Applies revisions up to the target: an id or its beginning, a label, label@head, head, heads, +N, or rev+N. Returns one row for each step. Raises an error if the target is not valid (MG001 to MG004, 22023), the graph is broken (MG005), a revision cannot run inside a transaction (MG007), its verification fails (MG009), or its precondition is not met (MG017). Also raises the errors of the scripts.';
COMMENT ON FUNCTION cmig.upgrade(text[]) IS 'Applies revisions up to several targets, none of them relative. Returns one row for each step. Raises the same errors as upgrade(text).';
COMMENT ON FUNCTION cmig.upgrade(bigint) IS 'Applies the next N revisions: upgrade(2) is the same as upgrade(''+2''). An id that consists of digits must be quoted. Returns one row for each step. Raises the same errors as upgrade(text).';
COMMENT ON FUNCTION cmig.upgrade(text, text) IS 'Does the same as upgrade(text), but only if the plan still has the checksum that cmig.plan or cmig.dry_run reported. Returns one row for each step. Raises an error if the plan has changed (MG016), and the same errors as upgrade(text).';
COMMENT ON FUNCTION cmig.upgrade(text[], text) IS 'Does the same as upgrade(text[]), but only if the plan still has the checksum that cmig.plan or cmig.dry_run reported. Returns one row for each step. Raises an error if the plan has changed (MG016), and the same errors as upgrade(text).';
COMMENT ON FUNCTION cmig.downgrade(text) IS 'Reverts the revisions above the target: an id, base, -N, label@-N, label@base, or rev-N. Returns one row for each step. Raises an error if the target is not valid (MG001 to MG004, 22023), the graph is broken (MG005), a revision is irreversible (MG006) or cannot run inside a transaction (MG007), or cmig.protect forbids the downgrade (MG011). Also raises the errors of the scripts.';
COMMENT ON FUNCTION cmig.downgrade(text, text) IS 'Does the same as downgrade(text), but only if the plan still has the checksum that cmig.plan or cmig.dry_run reported. Returns one row for each step. Raises an error if the plan has changed (MG016), and the same errors as downgrade(text).';
COMMENT ON FUNCTION cmig.downgrade(bigint) IS 'Reverts the last N revisions: downgrade(-1) is the same as downgrade(''-1''). An id that consists of digits must be quoted. Returns one row for each step. Raises the same errors as downgrade(text).';
COMMENT ON FUNCTION cmig.reset(text) IS 'Downgrades to base and upgrades to the heads again, in one transaction. The argument must be the name of the database, to confirm this. Returns one row for each step. Raises an error if the name is wrong (22023), and the same errors as downgrade(text) and upgrade(text).';
COMMENT ON FUNCTION cmig.stamp(text, boolean) IS 'Records the target and all revisions below it as applied, without running anything. If purge is true, empties cmig.version first. Returns the rows of cmig.version. Raises an error if the target is not valid (MG001 to MG004, 22023), the graph is broken (MG005), or cmig.protect forbids the purge (MG011).';
COMMENT ON FUNCTION cmig.stamp(text[], boolean) IS 'Records several targets and all revisions below them as applied, without running anything. If purge is true, empties cmig.version first. Returns the rows of cmig.version. Raises the same errors as stamp(text, boolean).';
COMMENT ON FUNCTION cmig.dry_run(text, text, text, bigint, boolean) IS 'Runs the steps of an upgrade or downgrade and rolls everything back. Returns one row for each statement: the number of rows, the duration, the strongest lock on each relation that existed before, the relations that get a new file or are read in full, and the error. After an error, only the revisions that build on the failed one are skipped. Raises an error if the target is not valid (MG001 to MG004, 22023), the graph is broken (MG005), the transaction is read-only (25006), or a stepwise run is in progress (55P03).';
COMMENT ON FUNCTION cmig.plan(text, text) IS 'Returns the steps that an upgrade or downgrade to the target would run, in order. The target of an upgrade defaults to head. The column irreversible shows where a downgrade would stop because there is no downgrade script, and the column locks shows the strongest lock on each relation, determined without running the script. Changes nothing. Raises an error if the target is not valid (MG001 to MG004, 22023) or the graph is broken (MG005).';
COMMENT ON FUNCTION cmig.plan(text, text[]) IS 'Returns the steps that an upgrade to several targets would run, in order. Changes nothing. Raises an error if the target is not valid (MG001 to MG004, 22023) or the graph is broken (MG005).';
COMMENT ON FUNCTION cmig.current() IS 'Returns the version rows, which show the state of the database. If there are no rows, the database is at base. Works even if the graph is broken.';
COMMENT ON FUNCTION cmig.heads() IS 'Returns the revisions that no other revision follows. The column is_effective is false if another head depends on the revision. Works even if the graph is broken.';
COMMENT ON FUNCTION cmig.branches() IS 'Returns the revisions that are followed by more than one revision, and the revisions that follow each of them. Works even if the graph is broken.';
COMMENT ON FUNCTION cmig.history(text) IS 'Returns the revisions of a range, newest first. The range is from:to, including both ends; either end can be current. Raises an error if the range is not valid (MG001 to MG004, 22023).';
COMMENT ON FUNCTION cmig.graph(text, text) IS 'Draws the revisions of a range, newest first, like git log --graph: @ is current, * is applied, o is pending, % is partially applied. The format can be text, mermaid, or dot. Works even if the graph is broken. Raises an error if the range or format is not valid (MG001 to MG004, 22023).';
COMMENT ON FUNCTION cmig.log() IS 'Returns what was run, when, by whom, and for how long, newest first. Messages are shortened so that rows fit into 100 columns; cmig.journal has the full text.';
COMMENT ON FUNCTION cmig.report() IS 'Returns one HTML page with the state, the graph and its scripts, the journal, the locks of pending steps, row-level security, and audit. The page needs no network, contains no JavaScript, and shows only what the caller can read.';
COMMENT ON FUNCTION cmig.help(text) IS 'Returns a list of the functions by subject, or the description of a function, table, or setting. Raises an error if the name is unknown (22023).';
COMMENT ON FUNCTION cmig.show(text) IS 'Returns all fields of the revisions that an identifier names, with their values. The identifier must not be relative. Raises an error if it is not valid (MG001 to MG004, 22023).';
COMMENT ON FUNCTION cmig.status() IS 'Returns the state of the database, what is pending, what is wrong, and which command to run next.';
COMMENT ON FUNCTION cmig.resolve(text) IS 'Returns the ids of the revisions that an identifier names. The identifier must not be relative. Raises an error if it is not valid (MG001 to MG004, 22023) or the graph is broken (MG005).';
COMMENT ON FUNCTION cmig.check(boolean, boolean) IS 'Checks the catalog and the scripts that can still run. Returns the problems and how to fix them. With rehearse => true, also runs the pending revisions as the current role on empty copies of the tables and other objects, as cmig.lint does, and rolls everything back. With raise => true, raises an error if one of the problems is an error (MG005).';
COMMENT ON FUNCTION cmig.require(text) IS 'Does nothing if the target is applied. Raises an error if revisions are pending or none is loaded (MG010), the target is not valid (MG001 to MG004, 22023), or the graph is broken (MG005).';
COMMENT ON FUNCTION cmig.load(text, boolean, boolean) IS 'Stores the revision files that the script contains, in any order, or none of them if one cannot be stored. Returns one row for each revision: added, replaced, unchanged, removed, or kept. Raises an error if a file is not valid (MG013), an applied revision would change (MG008), the graph would be broken (MG005), cmig.protect forbids the removal (MG011), or an argument is not valid (22023).';
COMMENT ON FUNCTION cmig.load_directory(text, boolean, boolean) IS 'Does the same as load for the .sql files of a directory on the server. Raises an error if the caller does not have the privileges of pg_read_server_files (42501), and the same errors as load.';
COMMENT ON FUNCTION cmig.create_revision(text, text, text, text, text, text, boolean, text, text[], boolean, text, "any") IS 'Stores a new revision after head. Without upgrade_sql, the revision is empty. Returns its id. Raises an error if a parent or dependency is not valid (MG001 to MG004), the graph would be broken (MG005), the id or label is already in use (23505), an argument is not valid (22023), or a line -- cmig:up or -- cmig:down is not correct (MG013).';
COMMENT ON FUNCTION cmig.merge(text[], text, text, boolean, text) IS 'Stores a revision that has several revisions as parents. Returns its id. Raises an error if the parents cannot be merged (MG001 to MG004), the graph would be broken (MG005), the id or label is already in use (23505), or an argument is not valid (22023).';
COMMENT ON FUNCTION cmig.merge(text, text, text, boolean, text) IS 'Stores a revision whose parents are all revisions that an identifier names, such as heads. Returns its id. Raises an error if the parents cannot be merged (MG001 to MG004), the graph would be broken (MG005), the id or label is already in use (23505), or an argument is not valid (22023).';

--
-- Files and maintenance: draft, export, script, repair, remove_revision, grants
--

CREATE FUNCTION cmig.draft(message text DEFAULT NULL, revision text DEFAULT NULL,
	head text DEFAULT 'head', splice boolean DEFAULT false,
	branch_label text DEFAULT NULL, depends_on text[] DEFAULT '{}',
	transactional boolean DEFAULT true,
	file_template text DEFAULT '%(rev)s_%(slug)s',
	precondition_sql text DEFAULT NULL, expand "any" DEFAULT NULL::text,
	OUT file_name text, OUT content text)
RETURNS record
AS 'MODULE_PATHNAME', 'cmig_draft_1_2'
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

COMMENT ON FUNCTION cmig.draft(text, text, text, boolean, text, text[], boolean, text, text, "any") IS 'Returns a new revision file that follows head and has empty sections, with its name. Stores nothing. Raises an error if file_template is not valid (22023), and the same errors as create_revision.';
COMMENT ON FUNCTION cmig.export(text, text) IS 'Returns the revision files of an identifier, of a range from:to, or of all revisions, with their names. Loading them again changes nothing. Raises an error if an identifier is not valid (MG001 to MG004, 22023) or a revision cannot be written as a file (MG013).';
COMMENT ON FUNCTION cmig.export(text[], text) IS 'Returns the revision files of several identifiers and ranges, with their names. Loading them again changes nothing. Raises an error if an identifier is not valid (MG001 to MG004, 22023) or a revision cannot be written as a file (MG013).';
COMMENT ON FUNCTION cmig.script(text, text, text, boolean) IS 'Returns the upgrade or downgrade to a target, or over a range from:to, the reset to base and the upgrade again, or the verify sections of applied revisions, as one script for psql. The script also runs in databases without pg_cmig. If version_table is NULL, returns only the statements of the revisions, for a review. Raises an error if an argument is not valid (22023) or a script contains a syntax error or a command that is not allowed there (42601, 0A000). Also raises the errors of plan and of the checks before a run (MG001 to MG007).';
COMMENT ON FUNCTION cmig.repair(text) IS 'Accepts the stored script of an applied revision as the one that was run, and records this in cmig.journal. Raises an error if the revision is unknown (MG001), the identifier is ambiguous (MG002) or does not name exactly one revision (22023), or the revision is not applied (55000).';
COMMENT ON FUNCTION cmig.remove_revision(text) IS 'Deletes a revision. Raises an error if the revision is unknown (MG001), the identifier is ambiguous (MG002) or does not name exactly one revision (22023), the revision is applied (55006), or another revision names it (2BP01).';


CREATE FUNCTION cmig.set_protect(level text DEFAULT '')
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

COMMENT ON FUNCTION cmig.set_protect(text) IS 'Sets cmig.protect for the database to off, base, or on; NULL resets it. Only the owner of the database or a superuser can do this. The change takes effect on commit, even in open sessions. Returns the new level of the database. Raises an error if the caller is not allowed to do this (42501), the argument is not valid (22023), or the transaction is read-only (25006).';
COMMENT ON FUNCTION cmig.grant_access(name, text) IS 'Grants a role access to pg_cmig. The level can be reader; author (reader, and can write revisions); migrator (reader, and can run revisions); application (only the context of row-level security); or owner (everything, with grant option). Returns a summary of the GRANT statements. Raises an error if the level or the role is not allowed (22023), the role does not exist (42704), or the caller lacks the grant options (42501).';
COMMENT ON FUNCTION cmig.revoke_access(name) IS 'Revokes all access to pg_cmig from a role. Returns the REVOKE statements. Raises an error if the role is PUBLIC or the owner (22023), the role does not exist (42704), the caller lacks the grant options (42501), or a grantor has become a superuser, whose grants cannot be revoked (55000).';

--
-- Stepwise runs, backfills, and online recipes
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

CREATE PROCEDURE cmig.abandon_partial(revision text DEFAULT NULL, confirm text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_abandon_partial'
LANGUAGE C;

CREATE PROCEDURE cmig.backfill(target regclass DEFAULT NULL, set_sql text DEFAULT NULL,
	where_sql text DEFAULT NULL, batch_size integer DEFAULT 10000,
	pause interval DEFAULT '0', max_lag interval DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_backfill'
LANGUAGE C;

CREATE PROCEDURE cmig.add_not_null(target regclass DEFAULT NULL, column_name text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_add_not_null'
LANGUAGE C;

CREATE PROCEDURE cmig.add_check(target regclass DEFAULT NULL, name text DEFAULT NULL,
	condition text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_add_check'
LANGUAGE C;

CREATE PROCEDURE cmig.add_foreign_key(target regclass, columns text[],
	referenced regclass, referenced_columns text[] DEFAULT NULL,
	name text DEFAULT NULL, on_delete text DEFAULT 'NO ACTION',
	on_update text DEFAULT 'NO ACTION')
AS 'MODULE_PATHNAME', 'cmig_add_foreign_key'
LANGUAGE C;

CREATE PROCEDURE cmig.add_foreign_key(target regclass DEFAULT NULL, columns text DEFAULT NULL,
	referenced regclass DEFAULT NULL, referenced_columns text DEFAULT NULL,
	name text DEFAULT NULL, on_delete text DEFAULT 'NO ACTION',
	on_update text DEFAULT 'NO ACTION')
AS 'MODULE_PATHNAME', 'cmig_add_foreign_key'
LANGUAGE C;

CREATE PROCEDURE cmig.add_unique(target regclass, columns text[],
	name text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_add_unique'
LANGUAGE C;

CREATE PROCEDURE cmig.add_unique(target regclass DEFAULT NULL, columns text DEFAULT NULL,
	name text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_add_unique'
LANGUAGE C;

COMMENT ON PROCEDURE cmig.add_not_null(regclass, text) IS 'Runs SET NOT NULL without a long lock: adds a CHECK constraint as NOT VALID, validates it, and then runs SET NOT NULL, with a commit after each. Can be called again after an interruption. Raises an error if the column does not exist (42703), rows contain NULL (23514), the table is of an unsupported kind (0A000), it is called inside a transaction block (25001), or a lock is not available in time (55P03).';
COMMENT ON PROCEDURE cmig.add_check(regclass, text, text) IS 'Adds a CHECK constraint as NOT VALID and then validates it, with a commit after each. Can be called again after an interruption. Raises an error if rows violate it (23514), another constraint has its name (42710), the table is of an unsupported kind (0A000), it is called inside a transaction block (25001), or a lock is not available in time (55P03).';
COMMENT ON PROCEDURE cmig.add_foreign_key(regclass, text[], regclass, text[], text, text, text) IS 'Adds a foreign key as NOT VALID and then validates it, with a commit after each. referenced_columns defaults to the primary key. Can be called again after an interruption. Raises an error if a column is not valid (22004, 22023), rows violate the constraint (23503), another constraint has its name (42710), the table is of an unsupported kind (0A000), it is called inside a transaction block (25001), or a lock is not available in time (55P03).';
COMMENT ON PROCEDURE cmig.add_foreign_key(regclass, text, regclass, text, text, text, text) IS 'Adds a foreign key on one column as NOT VALID and then validates it, with a commit after each. columns can also be an array literal such as {a,b}. referenced_columns defaults to the primary key. Can be called again after an interruption. Raises an error if a column is not valid (22004, 22023), rows violate the constraint (23503), another constraint has its name (42710), the table is of an unsupported kind (0A000), it is called inside a transaction block (25001), or a lock is not available in time (55P03).';
COMMENT ON PROCEDURE cmig.add_unique(regclass, text[], text) IS 'Builds a unique index concurrently and makes it a constraint. Can be called again after an interruption; drops the invalid index of an interrupted build. Raises an error if a column is not valid (22004, 22023), there are duplicates (23505), another object has its name (42710, 42P07), the table is of an unsupported kind (0A000), it is called inside a transaction block (25001), or a lock is not available in time (55P03).';
COMMENT ON PROCEDURE cmig.add_unique(regclass, text, text) IS 'Builds a unique index on one column concurrently and makes it a constraint. columns can also be an array literal such as {a,b}. Can be called again after an interruption; drops the invalid index of an interrupted build. Raises an error if a column is not valid (22004, 22023), there are duplicates (23505), another object has its name (42710, 42P07), the table is of an unsupported kind (0A000), it is called inside a transaction block (25001), or a lock is not available in time (55P03).';

CREATE VIEW cmig.backfill_progress AS
SELECT b.id, b.target, b.set_sql, b.where_sql, b.revision,
	CASE WHEN b.state OPERATOR(pg_catalog.=) 'done' THEN 'done'
		WHEN b.revision IS NOT NULL AND b.statement IS NULL THEN 'abandoned'
		WHEN pg_catalog.pg_is_in_recovery() THEN 'begun'
		WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_locks l
			WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.granted
			AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d
				WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
			AND l.classid OPERATOR(pg_catalog.=) 1668114791::pg_catalog.oid
			AND l.objsubid OPERATOR(pg_catalog.=) 17224
			AND l.objid::text OPERATOR(pg_catalog.=) pg_catalog.split_part(pg_catalog.split_part(b.target_id, ' ', 1), '/', 3))
		THEN 'interrupted' WHEN c.paused_by IS NOT NULL THEN 'paused' ELSE 'running' END AS state,
	b.pass, v.rows, b.batches,
	CASE WHEN b.state OPERATOR(pg_catalog.=) 'done' THEN 100::numeric
		WHEN v.rows_total IS NOT NULL
		THEN pg_catalog.round(LEAST(v.rows::numeric OPERATOR(pg_catalog./) GREATEST(v.rows, v.rows_total, 1::bigint)::numeric, 0.999)
			OPERATOR(pg_catalog.*) 100::numeric, 1)
		WHEN v.total OPERATOR(pg_catalog.>) 0
		THEN pg_catalog.round((LEAST(v.passed OPERATOR(pg_catalog./) v.total, 0.999::double precision)
			OPERATOR(pg_catalog.*) 100::double precision)::numeric, 1)
		ELSE 0::numeric END AS percent,
	CASE WHEN v.active OPERATOR(pg_catalog.>) '0'::interval
		THEN pg_catalog.round(v.rows OPERATOR(pg_catalog./) EXTRACT(epoch FROM v.active)) END AS rows_per_second,
	b.started_at, v.active,
	CASE WHEN b.state OPERATOR(pg_catalog.<>) 'done'
			AND (b.revision IS NULL OR b.statement IS NOT NULL) AND b.pass OPERATOR(pg_catalog.=) 1
		THEN CASE WHEN v.rows_total IS NOT NULL AND v.rows OPERATOR(pg_catalog.>) 0
			THEN pg_catalog.date_trunc('second', v.active OPERATOR(pg_catalog.*)
				LEAST(GREATEST(v.rows_total OPERATOR(pg_catalog.-) v.rows, 0::bigint)::double precision OPERATOR(pg_catalog./) v.rows::double precision, 1000000::double precision))
			WHEN v.rows_total IS NULL AND v.passed OPERATOR(pg_catalog.>) 0::double precision AND v.total OPERATOR(pg_catalog.>) 0::double precision
			THEN pg_catalog.date_trunc('second', v.active OPERATOR(pg_catalog.*)
				LEAST((v.total OPERATOR(pg_catalog.-) LEAST(v.passed, v.total)) OPERATOR(pg_catalog./) v.passed, 1000000::double precision)) END END AS eta,
	v.rows_total, c.paused_by, c.max_rows_per_second, b.last_error
FROM cmig.backfill_run b,
	-- within limits, so that no row of a migrator makes the arithmetic fail
	LATERAL (SELECT GREATEST(LEAST(b.rows, 1000000000000000::bigint), 0::bigint) AS rows,
			CASE WHEN b.rows_total IS NOT NULL THEN GREATEST(LEAST(b.rows_total, 1000000000000000::bigint), 0::bigint) END AS rows_total,
			CASE WHEN b.total OPERATOR(pg_catalog.>) 0.001::double precision THEN LEAST(b.total, 1000000000000000::double precision) ELSE 0::double precision END AS total,
			CASE WHEN b.passed OPERATOR(pg_catalog.>) 0.001::double precision THEN LEAST(b.passed, 1000000000000000::double precision) ELSE 0::double precision END AS passed,
			GREATEST(LEAST(b.active, '100 years'::interval), '0'::interval) AS active) v,
	LATERAL (SELECT pg_catalog.string_agg(r.name, ', ' ORDER BY r.kind, r.name) FILTER (WHERE r.paused) AS paused_by,
			pg_catalog.min(r.max_rows_per_second) AS max_rows_per_second
		FROM cmig.run_control r WHERE b.state OPERATOR(pg_catalog.<>) 'done' AND (r.kind OPERATOR(pg_catalog.=) 'all'
			OR (r.kind OPERATOR(pg_catalog.=) 'relation' AND r.name OPERATOR(pg_catalog.=) b.target)
			OR (r.kind OPERATOR(pg_catalog.=) 'revision' AND r.name OPERATOR(pg_catalog.=) b.revision))) c;
COMMENT ON VIEW cmig.backfill_progress IS 'Progress of each backfill: its state, the rows updated so far, the percentage, the rate, and the remaining time.';
COMMENT ON COLUMN cmig.backfill_progress.id IS 'Number of the backfill. Backfills are numbered in the order in which they started';
COMMENT ON COLUMN cmig.backfill_progress.target IS 'Table that is updated, with its schema';
COMMENT ON COLUMN cmig.backfill_progress.set_sql IS 'Argument set_sql';
COMMENT ON COLUMN cmig.backfill_progress.where_sql IS 'Argument where_sql; NULL for all rows';
COMMENT ON COLUMN cmig.backfill_progress.revision IS 'Revision whose script called the backfill; NULL if there is none';
COMMENT ON COLUMN cmig.backfill_progress.state IS 'running, paused, interrupted, abandoned (its revision was stamped, so nothing will resume it), or done. A standby shows begun instead of the first three';
COMMENT ON COLUMN cmig.backfill_progress.pass IS 'Current pass over the table, from 1';
COMMENT ON COLUMN cmig.backfill_progress.rows IS 'Rows updated so far';
COMMENT ON COLUMN cmig.backfill_progress.batches IS 'Batches committed so far';
COMMENT ON COLUMN cmig.backfill_progress.percent IS 'Percentage of the rows to update that is done; of the current pass, if their number is not known';
COMMENT ON COLUMN cmig.backfill_progress.rows_per_second IS 'Average number of rows updated per second';
COMMENT ON COLUMN cmig.backfill_progress.started_at IS 'When the backfill started';
COMMENT ON COLUMN cmig.backfill_progress.active IS 'Time spent, not counting the time between an interruption and the next CALL';
COMMENT ON COLUMN cmig.backfill_progress.eta IS 'Estimated time until the end of the first pass';
COMMENT ON COLUMN cmig.backfill_progress.rows_total IS 'Rows to update when the backfill started, estimated from a sample if the table is large; NULL if it is not known';
COMMENT ON COLUMN cmig.backfill_progress.paused_by IS 'What cmig.pause was called with: a revision, a table, or all; NULL if it is not paused';
COMMENT ON COLUMN cmig.backfill_progress.max_rows_per_second IS 'The limit that cmig.throttle has set; NULL for no limit';
COMMENT ON COLUMN cmig.backfill_progress.last_error IS 'SQLSTATE and message of the error that ended the last CALL; NULL after it was resumed';

CREATE FUNCTION cmig.pause(what text,
	OUT target text, OUT revision text, OUT state text, OUT paused_by text, OUT max_rows integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_pause'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.resume_run(what text,
	OUT target text, OUT revision text, OUT state text, OUT paused_by text, OUT max_rows integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_resume_run'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.throttle(what text, max_rows_per_second integer,
	OUT target text, OUT revision text, OUT state text, OUT paused_by text, OUT max_rows integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_throttle'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.pause(text) IS 'Pauses the backfills of a revision, of a table, or, with all, of the database, also those that start later. Each waits before its next batch, and keeps its locks and its place. Returns the unfinished backfills. Raises an error if there is no such revision or table (42704, 42809), the name is empty (22023), or the transaction is read-only (25006).';
COMMENT ON FUNCTION cmig.resume_run(text) IS 'Lets backfills that cmig.pause has paused continue. all ends every pause. Returns the unfinished backfills. Raises an error if there is no such revision or table (42704, 42809), the name is empty (22023), or the transaction is read-only (25006).';
COMMENT ON FUNCTION cmig.throttle(text, integer) IS 'Limits the rows per second that each backfill of a revision, of a table, or, with all, of the database updates, also those that start later. NULL lifts the limit; all and NULL lift every limit. Returns the unfinished backfills. Raises an error if there is no such revision or table (42704, 42809), the name is empty or the number is not positive (22023), or the transaction is read-only (25006).';

CREATE FUNCTION cmig.metric_counts(OUT name text, OUT value text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_metric_counts'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION cmig.metric_counts() IS 'Private: the part of cmig.metrics that needs the graph of the revisions. Called by cmig.metrics_read only. Raises an error if the tables of pg_cmig are not valid (55000).';

-- Runs as the owner, so that a role can read the metrics but not the revisions and the journal.
-- Reads only the part of the journal that has no scope, which the primary key finds.
CREATE FUNCTION cmig.metrics_read(OUT name text, OUT labels jsonb, OUT value double precision, OUT type text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $metrics$
	WITH RECURSIVE run AS (
	 (SELECT 1 AS step, j.id, j.direction, j.outcome, j.started_at, j.elapsed, j.transaction_id FROM cmig.journal j
	  WHERE j.scope = '' AND j.direction IN ('upgrade', 'downgrade') AND isfinite(j.started_at) ORDER BY j.id DESC LIMIT 1)
	 -- a step belongs to the same run if it is in the same transaction or ended when the next one began
	 UNION ALL SELECT r.step + 1, j.id, j.direction, j.outcome, j.started_at, j.elapsed, j.transaction_id FROM run r JOIN cmig.journal j ON j.id = greatest(r.id, -9223372036854775807) - 1
	  WHERE j.scope = '' AND j.direction = r.direction AND CASE WHEN isfinite(j.started_at) THEN j.transaction_id = r.transaction_id
	  OR r.started_at - j.started_at = j.elapsed END),
	last AS (SELECT r.*, (SELECT min(s.started_at) FROM run s) AS began, jsonb_build_object('direction', r.direction, 'outcome', r.outcome) AS labels
	 FROM run r WHERE r.step = 1),
	drift AS (SELECT j.started_at, j.message FROM cmig.journal j
	 WHERE j.scope = '' AND j.direction = 'drift' AND j.revision IS NULL AND isfinite(j.started_at) ORDER BY j.id DESC LIMIT 1),
	backfill AS (SELECT b.*, jsonb_build_object('id', b.id::text, 'table', b.target, 'revision', coalesce(b.revision, '')) AS labels
	 FROM cmig.backfill_progress b WHERE b.state NOT IN ('done', 'abandoned')),
	rls AS (SELECT DISTINCT ON (s.labels) s.labels, s.value, s.at FROM cmig.measured s WHERE s.name = 'rls_findings' ORDER BY s.labels, s.at DESC),
	-- which transactions and sessions have or want the lock of a run or a backfill
	own AS (SELECT l.pid, l.virtualtransaction, l.granted FROM pg_locks l WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock'
	 AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
	 AND (l.classid = 1668114791 AND (l.objsubid = 17223 AND l.objid = 2 OR l.objsubid = 17224) OR l.objsubid = 17225))
	SELECT 'pg_cmig_' || m.name, coalesce(m.labels, '{}'), m.value::double precision, CASE WHEN m.name ~ '_total$' THEN 'counter' ELSE 'gauge' END FROM (
	 SELECT c.name, NULL::jsonb AS labels, c.value::double precision AS value FROM cmig.metric_counts() c
	 UNION ALL SELECT 'standby', NULL, pg_is_in_recovery()::integer
	 UNION ALL SELECT 'last_run_timestamp_seconds', l.labels, extract(epoch FROM l.began) FROM last l
	 UNION ALL SELECT 'last_run_duration_seconds', l.labels, extract(epoch FROM l.started_at) - extract(epoch FROM l.began) + extract(epoch FROM l.elapsed) FROM last l
	 UNION ALL SELECT 'stepwise_failures_total', NULL, count(*) FROM cmig.journal j WHERE j.scope = '' AND j.outcome = 'failed'
	 UNION ALL SELECT 'runs_in_progress', NULL, count(DISTINCT o.virtualtransaction) FROM own o WHERE o.granted HAVING NOT pg_is_in_recovery()
	 UNION ALL SELECT 'run_start_timestamp_seconds', NULL, min(extract(epoch FROM least(a.xact_start, a.query_start)))
	  FROM own o JOIN pg_stat_activity a ON a.pid = o.pid WHERE o.granted
	 UNION ALL SELECT 'lock_waits', NULL, count(DISTINCT l.pid) FROM pg_locks l WHERE NOT l.granted AND l.pid IN (SELECT o.pid FROM own o)
	  HAVING NOT pg_is_in_recovery()
	 UNION ALL SELECT 'lock_retries_total', NULL, count(*) FROM cmig.measured s WHERE s.name = 'lock_retries'
	 UNION ALL SELECT 'backfill_rows', b.labels, b.rows FROM backfill b
	 UNION ALL SELECT 'backfill_rows_to_do', b.labels, greatest(b.rows_total - b.rows, 0) FROM backfill b
	 UNION ALL SELECT 'backfill_rows_per_second', b.labels, b.rows_per_second FROM backfill b
	 UNION ALL SELECT 'backfill_state', b.labels || jsonb_build_object('state', b.state), 1 FROM backfill b
	 UNION ALL SELECT 'journal_bytes', NULL, pg_total_relation_size('cmig.journal'::regclass)
	 UNION ALL SELECT 'audit_log_bytes', NULL, sum(pg_total_relation_size(t.relid)) FROM pg_partition_tree(to_regclass('cmig_audit.log')) t WHERE t.isleaf
	 UNION ALL SELECT 'expansion_state', jsonb_build_object('revision', x.revision, 'state', x.state), 1 FROM cmig.expansion_run x WHERE x.scope = ''
	 UNION ALL SELECT 'expansion_changed_timestamp_seconds', NULL, extract(epoch FROM x.changed_at) FROM cmig.expansion_run x WHERE x.scope = ''
	 UNION ALL SELECT 'scopes_expanded', NULL, count(*) FROM cmig.expansion_run x WHERE x.scope <> '' HAVING count(*) > 0
	 UNION ALL SELECT 'expansion_steps_to_do', NULL, count(*) FROM cmig.expansion_step s WHERE s.scope = '' AND NOT s.done AND s.phase IN ('prepare', 'fill', 'build') HAVING EXISTS (SELECT FROM cmig.expansion_run x WHERE x.scope = '')
	 UNION ALL SELECT 'rls_findings', r.labels, r.value FROM rls r
	 UNION ALL SELECT 'rls_check_timestamp_seconds', r.labels - 'severity', extract(epoch FROM r.at) FROM rls r WHERE r.labels ->> 'severity' = 'error'
	 UNION ALL SELECT 'drift_differences', NULL, CASE WHEN d.message ~ '^no drift' THEN 0 ELSE substring(d.message FROM '^([0-9]{1,9}) difference')::double precision END FROM drift d
	 UNION ALL SELECT 'drift_check_timestamp_seconds', NULL, extract(epoch FROM d.started_at) FROM drift d
	) m WHERE m.value IS NOT NULL ORDER BY 1, 2
$metrics$;
COMMENT ON FUNCTION cmig.metrics_read() IS 'Returns the rows of the view cmig.metrics, which is the way to read them. Raises an error if the tables of pg_cmig are not valid (55000).';

CREATE VIEW cmig.metrics AS SELECT m.name, m.labels, m.value, m.type FROM cmig.metrics_read() m;
COMMENT ON VIEW cmig.metrics IS 'State of the migrations for monitoring, with one row for each value. Reading it runs no checks and reads no tables of applications. It works on a standby.';
COMMENT ON COLUMN cmig.metrics.name IS 'Name of the metric, beginning with pg_cmig_';
COMMENT ON COLUMN cmig.metrics.labels IS 'Labels, as a JSON object';
COMMENT ON COLUMN cmig.metrics.value IS 'Value; times are in seconds since 1970';
COMMENT ON COLUMN cmig.metrics.type IS 'gauge or counter';

COMMENT ON PROCEDURE cmig.backfill(regclass, text, text, integer, interval, interval) IS 'Updates a table in batches, with a commit after each: UPDATE target SET set_sql WHERE where_sql. With where_sql, continues until no row matches. Without it, updates each row that exists at the start once. batch_size is the number of rows per batch, which Citus updates in each shard. Resumes an interrupted backfill. Raises an error if the table is of an unsupported kind (0A000, 42809), an argument is not valid (22023, 42601, 42703, 42804), it is called inside a transaction block (25001), rows are not visible to the caller or cannot be updated by the caller (42501), an unfinished backfill cannot be resumed (55000, MG008), or another backfill of the table is running (55P03).';
COMMENT ON PROCEDURE cmig.upgrade_stepwise(text, text, text) IS 'Applies revisions up to the target, with a commit after each. The statements of a revision that is not transactional run one by one at top level, and can be resumed after an interruption. Raises the same errors as upgrade(text), except MG007. Also raises an error if the plan does not have the given checksum (MG016), a statement that was run has changed (MG008), it is unknown whether a statement took effect (MG012), it is called inside a transaction block (25001), another step is partially applied (55000), or another run is in progress (55P03).';
COMMENT ON PROCEDURE cmig.upgrade_stepwise(text[], text, text) IS 'Applies revisions up to several targets, none of them relative, with a commit after each. Raises the same errors as upgrade_stepwise(text, text, text).';
COMMENT ON PROCEDURE cmig.upgrade_stepwise(bigint, text) IS 'Applies the next N revisions, with a commit after each: upgrade_stepwise(2) is the same as upgrade_stepwise(''+2''). Raises the same errors as upgrade_stepwise(text, text, text).';
COMMENT ON PROCEDURE cmig.downgrade_stepwise(bigint, text) IS 'Reverts the last N revisions, with a commit after each: downgrade_stepwise(-1) is the same as downgrade_stepwise(''-1''). Raises the same errors as downgrade_stepwise(text, text, text).';
COMMENT ON PROCEDURE cmig.downgrade_stepwise(text, text, text) IS 'Reverts the revisions above the target, with a commit after each. Raises the same errors as downgrade(text), except MG007. Also raises an error if the plan does not have the given checksum (MG016), a statement that was run has changed (MG008), it is unknown whether a statement took effect (MG012), it is called inside a transaction block (25001), another step is partially applied (55000), or another run is in progress (55P03).';
COMMENT ON PROCEDURE cmig.reset_stepwise(text, text) IS 'Downgrades to base and upgrades to the heads again, with a commit after each revision. The argument confirm must be the name of the database. Raises the same errors as downgrade_stepwise and upgrade_stepwise.';
COMMENT ON PROCEDURE cmig.abandon_partial(text, text) IS 'Reverts a revision that a stepwise run has left partially applied. Compares the schema with what the applied revisions create, and lists the statements that revert what the revision has changed. If confirm is the id of the revision, runs them, with a commit after each, and deletes the revision''s progress; if data would be lost, confirm must be the id followed by ", losing data". Continues after an interruption. Raises an error if the revision is not partially applied, or is not completely reverted (55000), the confirmation is wrong or data would be lost (22023), cmig.protect does not allow that (MG011), revisions cannot be replayed (MG014), a statement that was run has changed (MG008), the change cannot be reverted (0A000), it is called inside a transaction block (25001), or another run is in progress (55P03).';

--
-- Two versions at once
--

CREATE PROCEDURE cmig.expand(target text DEFAULT 'head', scopes text DEFAULT NULL, max_failures integer DEFAULT 0, confirm boolean DEFAULT false)
AS 'MODULE_PATHNAME', 'cmig_expand'
LANGUAGE C;

CREATE PROCEDURE cmig.contract(scopes text DEFAULT NULL, max_failures integer DEFAULT 0)
AS 'MODULE_PATHNAME', 'cmig_contract'
LANGUAGE C;

CREATE PROCEDURE cmig.abandon(scopes text DEFAULT NULL, max_failures integer DEFAULT 0)
AS 'MODULE_PATHNAME', 'cmig_abandon'
LANGUAGE C;

CREATE FUNCTION cmig.expansion(OUT relation text, OUT version text, OUT old_column text, OUT new_column text,
	OUT change text, OUT rows_filled bigint, OUT rows_left bigint, OUT rows_failed bigint, OUT failure text, OUT last_old_write timestamptz, OUT state text,
	OUT old_calls bigint, OUT old_callers text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_expansion'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.version_schema(revision text, schema text DEFAULT 'public')
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_version_schema'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION cmig.expansion_mark(value anyelement)
RETURNS anyelement
AS '$libdir/pg_cmig_session', 'cmig_expansion_mark'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.expansion_unset(value anyelement)
RETURNS anyelement
AS '$libdir/pg_cmig_session', 'cmig_expansion_unset'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.expansion_view()
RETURNS boolean
AS '$libdir/pg_cmig_session', 'cmig_expansion_view'
LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION cmig.expansion_key(index regclass, kind text)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_expansion_key'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION cmig.expansion_begin()
RETURNS trigger
AS '$libdir/pg_cmig_session', 'cmig_expansion_begin'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.expansion_write()
RETURNS trigger
AS '$libdir/pg_cmig_session', 'cmig_expansion_write'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON PROCEDURE cmig.expand(text, text, integer, boolean) IS 'Prepares pending revisions with the header expand beside the running application: the tables keep their shape, and get hidden columns; the new build uses views in the schemas that version_schema names. Fills the new columns, builds indexes and constraints, and commits after each step. Continues after an interruption. With scopes, a LIKE pattern, works on each scope with applied revisions, and raises an error if more than max_failures fail. Raises an error if a change cannot be expanded (0A000), a line cmig:up or cmig:down is missing (22023) or not correct (MG013), another revision is expanded (55000), functions or statements may fail meanwhile and confirm is not true (55000), revisions cannot be replayed (MG014), a precondition is not met (MG017), it is called inside a transaction block (25001), or another run is in progress (55P03).';
COMMENT ON PROCEDURE cmig.contract(text, integer) IS 'Gives the tables the shape of the expanded revision, removes what the old build needed, and records the revision as applied. With scopes, a LIKE pattern, works on each expanded scope, and raises an error if more than max_failures fail. Raises an error if no revision is expanded or rows of the old build could not be transformed (55000), a constraint is violated (23514), a verify section failed (MG009), cmig.workload_policy is error and queries that it breaks were called since cmig.expand, or this cannot be told (MG024), it is called inside a transaction block (25001), or another run is in progress (55P03).';
COMMENT ON PROCEDURE cmig.abandon(text, integer) IS 'Removes everything that expand has created. What the new build has written remains in the columns of the old version. With scopes, a LIKE pattern, works on each expanded scope, and raises an error if more than max_failures fail. Raises an error if no revision is expanded (55000), it is called inside a transaction block (25001), or another run is in progress (55P03).';
COMMENT ON FUNCTION cmig.expansion() IS 'Returns each column of the expanded revision: rows that are filled and left, rows that could not be transformed, the first reason, when the old build last wrote, and how often queries were called that only the old version runs. Empty if no revision is expanded.';
COMMENT ON FUNCTION cmig.version_schema(text, text) IS 'Returns the name of the schema with the new version of a schema''s tables while the revision is expanded.';
COMMENT ON FUNCTION cmig.expansion_mark(anyelement) IS 'Returns its argument. The default of a hidden column: that of the state notes that an INSERT does not name it.';
COMMENT ON FUNCTION cmig.expansion_unset(anyelement) IS 'Returns its argument. The default of a view''s column that takes its value from the table''s default: notes that an INSERT does not name the column.';
COMMENT ON FUNCTION cmig.expansion_view() IS 'Returns true. The condition and check option of the views of expanded tables: what is written through the view is told from what is written to the table.';
COMMENT ON FUNCTION cmig.expansion_key(regclass, text) IS 'Makes a unique index of a partitioned table, and those of its partitions, a primary key or unique constraint. Only contract and revisions can call it (55000). Raises an error if the table is not the caller''s (42501), or if the index cannot become a key (42809).';
COMMENT ON FUNCTION cmig.expansion_begin() IS 'Trigger function of expanded tables: takes note of which version a row is written through.';
COMMENT ON FUNCTION cmig.expansion_write() IS 'Trigger function of expanded tables: computes the columns of the other version. Raises an error if an expression fails for a row of the new build, or is null although the column must not be (23502).';

--
-- Row-level security
--

CREATE FUNCTION cmig.set_context(user_id text, tenant_id text DEFAULT NULL,
	is_local boolean DEFAULT true)
RETURNS void
AS '$libdir/pg_cmig_session', 'cmig_set_context'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

-- a variant for keys that are not text, such as uuid
CREATE FUNCTION cmig.set_context(user_id "any" DEFAULT NULL, tenant_id "any" DEFAULT NULL,
	is_local boolean DEFAULT true)
RETURNS void
AS '$libdir/pg_cmig_session', 'cmig_set_context'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.clear_context()
RETURNS void
AS '$libdir/pg_cmig_session', 'cmig_clear_context'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.context(OUT user_id text, OUT tenant_id text)
RETURNS record
AS '$libdir/pg_cmig_session', 'cmig_context'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.current_user_id()
RETURNS text
AS '$libdir/pg_cmig_session', 'cmig_current_user_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.current_tenant_id()
RETURNS text
AS '$libdir/pg_cmig_session', 'cmig_current_tenant_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.require_user_id()
RETURNS text
AS '$libdir/pg_cmig_session', 'cmig_require_user_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.require_tenant_id()
RETURNS text
AS '$libdir/pg_cmig_session', 'cmig_require_tenant_id'
LANGUAGE C STABLE PARALLEL SAFE;

CREATE FUNCTION cmig.enable_rls(target regclass DEFAULT NULL,
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

CREATE FUNCTION cmig.enable_rls_schema(schema text DEFAULT NULL,
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

CREATE FUNCTION cmig.rls_script(target regclass DEFAULT NULL,
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

CREATE FUNCTION cmig.disable_rls(target regclass DEFAULT NULL, OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_disable_rls'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rls_check(schema text DEFAULT NULL,
	OUT rule text, OUT severity text, OUT object text, OUT problem text, OUT fix text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_rls_check'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rls_rules(schemas oid[], become text,
	OUT rule text, OUT severity text, OUT object text, OUT problem text, OUT fix text, OUT definer oid)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $rules$
	-- the tables
	WITH RECURSIVE t AS MATERIALIZED (SELECT c.oid, c.relnamespace AS ns,
	 format('%I.%I', n.nspname, c.relname) AS name, c.relname, c.relowner AS owner,
	 CASE WHEN o.rolsuper OR o.oid = n.nspowner THEN 0 ELSE o.oid END AS keeper,
	 c.relrowsecurity AS rls, c.relforcerowsecurity AS forced, c.relacl AS acl, o.rolname AS owner_name
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
	WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
	-- the owner of an extension can add objects to it, to hide them
	AND NOT (o.rolsuper AND EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'))),
	-- the policies; is the expression of a bypass policy the constant true? compare the stored tree,
	-- because deparsing is slow
	p AS MATERIALIZED (SELECT p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, p.polroles,
	 p.polpermissive AND p.polcmd = '*' AND p.polroles <> '{0}'
	  AND p.polqual::text LIKE '{CONST :consttype 16 %:constvalue 1 [% 1 %' AS bypass,
	 regexp_replace(concat(p.polqual, '/', p.polwithcheck), E':(\\w*location|list_start|list_end|stmt_len) -?\\d+', '', 'g') AS expressions,
	 d.description AS setup FROM pg_policy p
	 LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass AND position('[cmig.enable_rls ' IN d.description) > 0
	 WHERE p.polrelid IN (SELECT t.oid FROM t)),
	named AS MATERIALIZED (SELECT p.*, u.oid AS role FROM p CROSS JOIN LATERAL unnest(p.polroles) u(oid)),
	names AS (SELECT r.oid, r.rolname AS name FROM pg_roles r UNION ALL SELECT 0, 'public'),
	uses AS MATERIALIZED (SELECT p.oid AS policy, d.refobjsubid AS attnum FROM p
	 JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
	  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid AND d.refobjsubid > 0),
	-- the setup that comments record, and the call of enable_rls with it, for partitions; only what
	-- enable_rls escapes is read as escaped
	words_of AS (SELECT p.oid AS policy, m[1] AS name,
	  regexp_replace(to_json(m[2])::text, '%(0[1-9A-F]|1[0-9A-F]|20|25|2C|3D|5D|7F)', E'\\\\u00\\1', 'g')::json #>> '{}' AS value
	 FROM p CROSS JOIN LATERAL regexp_matches(substring(p.setup FROM '[[]cmig[.]enable_rls (.*)[]]'), '([a-z_]+)=([^ ]*)', 'g') m),
	calls AS (SELECT t.oid, format('SELECT cmig.enable_rls(%L', t.name) || coalesce(string_agg(DISTINCT w.text, ''), '')
	  || CASE WHEN t.forced THEN '' ELSE ', force => false' END
	  || (SELECT string_agg(format(', %s => %L', l.argument, ARRAY(SELECT r.name FROM unnest(l.polroles) WITH ORDINALITY u(oid, n)
	   JOIN names r ON r.oid = u.oid ORDER BY u.n)), '' ORDER BY l.argument DESC)
	   FROM (SELECT DISTINCT ON (1) CASE o.polname WHEN 'bypass' THEN 'bypass_roles' ELSE 'roles' END, o.polroles
	    FROM p o WHERE o.polrelid = t.oid AND o.setup <> '' ORDER BY 1, o.polname) l(argument, polroles)) || ')' AS call
	 FROM t JOIN p ON p.polrelid = t.oid JOIN words_of s ON s.policy = p.oid
	 CROSS JOIN LATERAL (SELECT CASE
	   WHEN s.name IN ('shared', 'public_read', 'require_context') THEN format(', %s => true', s.name)
	   WHEN s.name = 'index' THEN ', create_index => false' WHEN s.name = 'default_of' THEN ', column_default => true'
	   WHEN s.name = 'commands' THEN format(', commands => %L', '{' || replace(s.value, '+', ',') || '}')
	   WHEN s.name NOT IN ('rls', 'force', 'was', 'granted') THEN format(', %s => %L', s.name, s.value) END
	  -- without '', enable_rls would find a column that was left out by its usual name
	  UNION ALL SELECT format(', %s => %L', c.name, '') FROM unnest(ARRAY['user_column', 'tenant_column']) c(name)
	   WHERE p.setup !~ format(' (%s|via)=', c.name) AND EXISTS (SELECT FROM pg_attribute a
	    WHERE a.attrelid = t.oid AND a.attname = replace(c.name, 'column', 'id') AND NOT a.attisdropped)) w(text)
	 GROUP BY t.oid, t.name, t.forced),
	-- application roles
	app AS MATERIALIZED (SELECT DISTINCT n.polrelid, r.oid, r.rolname, r.rolsuper, r.rolbypassrls
	 FROM named n JOIN pg_roles r ON r.oid = n.role WHERE NOT n.bypass),
	-- the tables of which each owner's are fixed in the same way: their own, and those of superusers and
	-- of the schema's owner
	comparable AS MATERIALIZED (SELECT t.oid, w.ns, w.keeper FROM (SELECT DISTINCT t.ns, t.keeper FROM t) w
	 JOIN t ON t.ns = w.ns AND t.keeper IN (0, w.keeper)),
	-- keys are columns that policies of several tables compare, and columns that were given to
	-- enable_rls
	asked AS MATERIALIZED (SELECT s.ns, s.keeper, a.attname, count(DISTINCT s.oid) AS n,
	  bool_or(p.setup ~ (' (user|tenant|key)_column=' || a.attname || '[] ]')) AS made,
	  bool_or(p.setup ~ (' user_column=' || a.attname || '[] ]')) AS is_user
	 FROM p JOIN comparable s ON s.oid = p.polrelid
	 JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
	  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid AND d.refobjsubid > 0
	 JOIN pg_attribute a ON a.attrelid = s.oid AND a.attnum = d.refobjsubid AND a.attname ~ '^[[:alnum:]_]+$'
	 WHERE a.attname <> 'id' GROUP BY s.ns, s.keeper, a.attname),
	-- for each schema and owner at once, because a sub-select for each table would read all of them
	keys AS MATERIALIZED (SELECT k.ns, k.keeper, array_agg(k.attname) AS names, array_agg(k.attname) FILTER (WHERE k.is_user) AS users
	 FROM asked k WHERE k.made OR k.n > 1 GROUP BY k.ns, k.keeper),
	kin AS MATERIALIZED (SELECT s.ns, s.keeper, array_agg(DISTINCT app.rolname ORDER BY app.rolname) AS names
	 FROM app JOIN comparable s ON s.oid = app.polrelid GROUP BY s.ns, s.keeper),
	freed AS MATERIALIZED (SELECT s.ns, s.keeper, array_agg(DISTINCT o.rolname) AS names
	 FROM named n JOIN comparable s ON s.oid = n.polrelid JOIN pg_roles o ON o.oid = n.role WHERE n.bypass GROUP BY s.ns, s.keeper),
	bypassed AS MATERIALIZED (SELECT n.polrelid, array_agg(n.role) AS roles FROM named n WHERE n.bypass GROUP BY n.polrelid),
	-- tables without policies or with some for PUBLIC, and what is known for a fix: the key, and the
	-- roles, which are those of other tables of the schema, or those that have a privilege on the table
	bare AS MATERIALIZED (SELECT t.*,
	  (SELECT min(a.attname::text) FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
	   AND (a.attname IN ('user_id', 'tenant_id')
	    OR a.attname = ANY (keys.names))) AS key,
	  keys.users, kin.names AS siblings, freed.names AS freed,
	  (SELECT array_agg(DISTINCT r.rolname ORDER BY r.rolname) FROM aclexplode(t.acl) a JOIN pg_roles r ON r.oid = a.grantee
	   WHERE r.oid <> t.owner AND NOT r.rolsuper AND NOT r.rolbypassrls
	   AND r.oid <> ALL (coalesce(bypassed.roles, '{}'))) AS granted
	 FROM t LEFT JOIN keys ON keys.ns = t.ns AND keys.keeper = t.keeper LEFT JOIN kin ON kin.ns = t.ns AND kin.keeper = t.keeper
	  LEFT JOIN freed ON freed.ns = t.ns AND freed.keeper = t.keeper
	 LEFT JOIN bypassed ON bypassed.polrelid = t.oid WHERE NOT EXISTS (SELECT FROM p WHERE p.polrelid = t.oid) OR t.oid IN (SELECT p.polrelid FROM p WHERE p.polroles = '{0}')),
	b AS MATERIALIZED (SELECT bare.*, r.names AS roles, y.names AS bypass,
	  (SELECT string_agg(quote_ident(u.name), ', ' ORDER BY u.name) FROM unnest(r.names) u(name)) AS to_roles,
	  CASE WHEN r.names IS NULL THEN '-- ' ELSE '' END
	   || format('SELECT cmig.enable_rls(%L%s, roles => %L%s)', bare.name,
	    CASE WHEN bare.key IN ('user_id', 'tenant_id') THEN ''
	     ELSE format(', %s => %L', CASE WHEN bare.key = ANY (bare.users)
	      THEN 'user_column' ELSE 'tenant_column' END, bare.key) END,
	    coalesce(r.names::text, '{<role>}'), CASE WHEN y.names IS NULL THEN '' ELSE format(', bypass_roles => %L', y.names) END)
	   || CASE WHEN r.names IS NULL THEN ', where <role> is the role of the application' ELSE '' END AS enable
	 FROM bare CROSS JOIN LATERAL (SELECT coalesce(bare.siblings, bare.granted)) r(names)
	 CROSS JOIN LATERAL (SELECT array_agg(DISTINCT o.name) FROM unnest(bare.freed) o(name) WHERE o.name <> ALL (coalesce(r.names, '{}'))) y(names)),
	-- roles to which policies apply, and those that they can SET ROLE to; the roles need not inherit
	-- the privileges of these
	bound AS MATERIALIZED (SELECT app.polrelid AS rel, app.oid, app.rolname FROM app WHERE NOT app.rolsuper AND NOT app.rolbypassrls
	 UNION SELECT t.oid, r.oid, r.rolname FROM t CROSS JOIN LATERAL aclexplode(t.acl) a JOIN pg_roles r ON r.oid = a.grantee
	  WHERE t.rls AND r.oid <> t.owner AND NOT r.rolsuper AND NOT r.rolbypassrls
	  AND EXISTS (SELECT FROM p WHERE p.polrelid = t.oid AND NOT p.bypass AND p.polroles = '{0}')),
	becomes AS MATERIALIZED (SELECT b.oid AS role, f.oid, f.rolname, f.rolsuper, f.rolsuper OR f.rolbypassrls AS free
	 FROM (SELECT DISTINCT bound.oid FROM bound) b JOIN pg_roles f ON f.oid <> b.oid AND pg_has_role(b.oid, f.oid, $2)),
	bypass AS (SELECT t.name, bound.oid AS role, bound.rolname, b.oid AS free, b.rolname AS free_name, 'error' AS severity,
	  CASE WHEN b.rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END AS why
	 FROM bound JOIN becomes b ON b.role = bound.oid JOIN t ON t.oid = bound.rel WHERE t.rls AND b.free
	-- leave out roles that have the privileges of the role named in the bypass policy, because the
	-- bypass policy applies to these roles, too
	 UNION SELECT t.name, bound.oid, bound.rolname, b.oid, b.rolname, 'warning', format('has the policy %I', n.polname)
	 FROM bound JOIN becomes b ON b.role = bound.oid JOIN t ON t.oid = bound.rel
	 JOIN named n ON n.polrelid = t.oid AND n.bypass AND n.role = b.oid
	 WHERE t.rls AND NOT b.free AND NOT pg_has_role(bound.oid, b.oid, 'USAGE')),
	-- SECURITY DEFINER functions that other roles may call, except for trigger functions, which cannot
	-- be called
	f AS MATERIALIZED (SELECT p.oid, p.prosrc, p.prosqlbody IS NOT NULL AS parsed, p.proowner, o.rolname,
	  o.rolsuper OR o.rolbypassrls AS free, l.lanname, n.nspname,
	  CASE p.prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END AS kind, p.oid::regprocedure::text AS name,
	  (SELECT substring(s.setting FROM '^search_path=(.*)$') FROM unnest(p.proconfig) s(setting)
	   WHERE s.setting LIKE 'search_path=%') AS path
	 FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner JOIN pg_namespace n ON n.oid = p.pronamespace
	 JOIN pg_language l ON l.oid = p.prolang
	 WHERE p.prosecdef AND p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype
	 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig')
	 AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner))
	 AND NOT (o.rolsuper AND EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e'))),
	-- pg_depend has no entries for a body that is a string, so a table counts as used if its name is a
	-- word in the body
	words AS MATERIALIZED (SELECT DISTINCT g.oid, g.pronamespace AS ns, x.word FROM pg_proc g JOIN pg_namespace n ON n.oid = g.pronamespace
	 JOIN pg_language l ON l.oid = g.prolang
	 CROSS JOIN LATERAL regexp_split_to_table(concat_ws(' ', g.prosrc, array_to_string(g.proconfig, ' ')), '[^[:alnum:]_$]+') w(word)
	 CROSS JOIN LATERAL (VALUES (w.word), (lower(w.word))) x(word)
	 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig') AND l.lanname IN ('sql', 'plpgsql')),
	-- the views that read a protected table, directly or through other views; by_user: the table itself
	-- is read by a view with security_invoker, and so with the privileges of the user, whatever views
	-- are above it
	seen(view, base, by_user) AS (
	 SELECT DISTINCT r.ev_class, t.oid, EXISTS (SELECT FROM pg_class i CROSS JOIN LATERAL pg_options_to_table(i.reloptions) x
	  WHERE i.oid = r.ev_class AND i.relkind = 'v' AND x.option_name = 'security_invoker' AND x.option_value::boolean)
	 FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
	  JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class <> t.oid
	 WHERE t.rls
	 UNION SELECT r.ev_class, s.base, s.by_user FROM seen s JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view
	  JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class <> s.view),
	shown AS MATERIALIZED (SELECT DISTINCT s.view, s.base AS rel, c.relname, c.relkind FROM seen s JOIN pg_class c ON c.oid = s.view),
	-- A word means the table, view, or function of this name in the function's own schema, and in those
	-- that the function names; if there is none, in any schema.  Thus, schemas for tenants with the same
	-- tables and functions do not multiply.
	things AS MATERIALIZED (SELECT t.oid, 'r' AS kind, t.relname::text AS name, t.ns FROM t WHERE t.rls
	 UNION ALL SELECT DISTINCT s.view, 'v', s.relname::text, c.relnamespace FROM shown s JOIN pg_class c ON c.oid = s.view WHERE s.relkind = 'v'
	 UNION ALL SELECT g.oid, 'f', g.proname::text, g.pronamespace FROM pg_proc g WHERE g.oid IN (SELECT w.oid FROM words w)),
	near AS MATERIALIZED (SELECT w.oid AS func, h.kind, h.oid, h.name FROM words w JOIN things h ON h.name = w.word AND h.ns = w.ns
	 UNION SELECT w.oid, h.kind, h.oid, h.name FROM words s JOIN pg_namespace n ON n.nspname = s.word AND n.oid <> s.ns
	  JOIN things h ON h.ns = n.oid JOIN words w ON w.oid = s.oid AND w.word = h.name),
	far AS MATERIALIZED (SELECT w.oid, h.kind, h.name FROM words w JOIN (SELECT DISTINCT i.kind, i.name FROM things i) h ON h.name = w.word
	 EXCEPT SELECT a.func, a.kind, a.name FROM near a),
	mentions AS MATERIALIZED (SELECT a.func, a.kind, a.oid FROM near a
	 UNION ALL SELECT w.oid, h.kind, h.oid FROM far w JOIN things h ON h.name = w.name AND h.kind = w.kind),
	-- as arrays, of whose elements the planner expects few: PostgreSQL 19 allocates the hash table of a
	-- recursive UNION for as many rows as it expects, which would be billions
	invokes AS MATERIALIZED (SELECT u.caller, u.callee FROM (SELECT array_agg(c.caller) AS callers, array_agg(c.callee) AS callees FROM (
	  SELECT m.func AS caller, m.oid AS callee FROM mentions m WHERE m.kind = 'f' AND m.oid <> m.func
	  UNION SELECT d.objid, d.refobjid FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_proc'::regclass) c) a,
	 unnest(a.callers, a.callees) u(caller, callee)),
	-- what a function reads itself, by views, and by the functions that it calls
	reads(func, rel) AS (SELECT q.func, q.rel FROM (
	  SELECT m.func, m.oid AS rel FROM mentions m WHERE m.kind = 'r'
	  UNION SELECT d.objid, t.oid FROM pg_depend d JOIN t ON t.oid = d.refobjid
	   WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND t.rls
	  UNION SELECT m.func, s.rel FROM mentions m JOIN shown s ON s.view = m.oid WHERE m.kind = 'v'
	  UNION SELECT d.objid, s.rel FROM shown s JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view) q
	 UNION SELECT c.caller, r.rel FROM reads r JOIN invokes c ON c.callee = r.func),
	-- functions that reach a table without naming it: search the code without strings and comments;
	-- EXECUTE does not count if it is the name of a privilege or a part of CREATE TRIGGER
	dynamic AS (SELECT f.*, CASE WHEN f.lanname IN ('sql', 'plpgsql') THEN 'it runs SQL that it constructs'
	   ELSE format('it is written in %s and runs', f.lanname) END AS how
	 FROM f CROSS JOIN LATERAL regexp_replace(f.prosrc, $re$'[^']*'|--[^\n]*|/[*]([^*]|[*]+[^*/])*[*]+/$re$, ' ', 'g') c(code)
	 WHERE f.lanname NOT IN ('sql', 'plpgsql')
	 OR (f.lanname = 'plpgsql' AND c.code ~* E'\\mexecute\\M(?!\\s+(on|function|procedure)\\M)')
	 OR c.code ~* E'\\m((query|table|schema|database|cursor)_to_xml\\w*|dblink\\w*|crosstab\\w*|connectby|ts_stat|xpath_table)\\s*\\('),
	-- owners of views and functions that see every row of a table because of a bypass policy, and no
	-- restrictive policy applies to them
	owners AS MATERIALIZED (SELECT c.relowner AS oid FROM shown s JOIN pg_class c ON c.oid = s.view UNION SELECT f.proowner FROM f),
	sees AS MATERIALIZED (SELECT DISTINCT n.polrelid AS rel, o.oid FROM named n JOIN owners o ON pg_has_role(o.oid, n.role, 'USAGE')
	 WHERE n.bypass AND NOT EXISTS (SELECT FROM named m WHERE m.polrelid = n.polrelid AND NOT m.polpermissive
	  AND (m.role = 0 OR pg_has_role(o.oid, m.role, 'USAGE')))),
	definer AS (SELECT f.oid, f.free OR bool_or((f.proowner = t.owner AND NOT t.forced) OR (t.oid, f.proowner) IN (SELECT s.rel, s.oid FROM sees s)) AS sees,
	  string_agg(DISTINCT t.name, ', ') AS tables
	 FROM f JOIN reads r ON r.func = f.oid JOIN t ON t.oid = r.rel GROUP BY f.oid, f.free),
	reach AS (SELECT o.proowner, bool_or(o.free OR (o.proowner = t.owner AND NOT t.forced) OR (t.oid, o.proowner) IN (SELECT s.rel, s.oid FROM sees s)) AS sees
	 FROM (SELECT DISTINCT d.proowner, d.free FROM dynamic d) o JOIN t ON t.rls
	  AND (has_any_column_privilege(o.proowner, t.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(o.proowner, t.oid, 'DELETE'))
	 GROUP BY o.proowner),
	-- for each view, the roles that have the privileges of a bypass role of one of its tables
	maintainers AS MATERIALIZED (SELECT x.view, array_agg(DISTINCT f.oid) AS roles
	 FROM shown x JOIN named m ON m.polrelid = x.rel
	 JOIN (SELECT b.role, r.oid FROM (SELECT DISTINCT n.role FROM named n WHERE n.bypass) b JOIN pg_roles r ON pg_has_role(r.oid, b.role, 'USAGE')) f ON f.role = m.role
	 WHERE m.bypass GROUP BY x.view),
	v AS (SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name, o.rolname,
	  bool_or(o.rolsuper OR o.rolbypassrls OR (c.relowner = t.owner AND NOT t.forced)) AS free,
	  bool_or((t.oid, c.relowner) IN (SELECT w.rel, w.oid FROM sees w)) AS bypasses,
	  string_agg(DISTINCT t.name, ', ') AS tables,
	-- roles that see every row anyway do not count
	  EXISTS (SELECT FROM (SELECT c.relacl AS acl UNION ALL SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) l
	   CROSS JOIN LATERAL aclexplode(l.acl) a LEFT JOIN pg_roles g ON g.oid = a.grantee WHERE a.grantee <> c.relowner
	   AND (a.grantee = 0 OR NOT (g.rolsuper OR g.rolbypassrls OR coalesce(a.grantee = ANY (y.roles), false)))) AS granted,
	  EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner) AS maintained,
	  bool_and(s.by_user) AS by_user,
	  EXISTS (SELECT FROM pg_options_to_table(c.reloptions) x WHERE x.option_name = 'security_invoker'
	   AND x.option_value::boolean) AS invoker,
	  (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')
	   FROM (SELECT c.relacl AS acl UNION ALL SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) s
	   CROSS JOIN LATERAL aclexplode(s.acl) a WHERE a.grantee <> c.relowner) AS grantees
	 FROM seen s JOIN t ON t.oid = s.base JOIN pg_class c ON c.oid = s.view JOIN pg_namespace n ON n.oid = c.relnamespace
	 JOIN pg_roles o ON o.oid = c.relowner LEFT JOIN maintainers y ON y.view = c.oid GROUP BY c.oid, n.nspname, o.rolname, y.roles),
	-- privileges that no policy can restrict; a policy for PUBLIC stands for the roles that have a
	-- privilege on the table
	more AS (SELECT DISTINCT t.oid, t.name, u.oid AS role, x.priv
	 FROM p JOIN t ON t.oid = p.polrelid CROSS JOIN LATERAL (SELECT unnest(p.polroles) UNION
	  SELECT a.grantee FROM aclexplode(t.acl) a WHERE p.polroles = '{0}') u(oid)
	 CROSS JOIN (VALUES ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) x(priv)
	 WHERE t.rls AND NOT p.bypass AND has_table_privilege(u.oid, t.oid, x.priv)
	 AND (u.oid = 0 OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = u.oid AND NOT r.rolsuper AND NOT r.rolbypassrls
	  AND NOT pg_has_role(u.oid, t.owner, 'USAGE')))),
	-- permissive policies for the same role and commands
	each AS (SELECT n.polrelid, n.role, c.cmd, string_agg(quote_ident(n.polname), ', ' ORDER BY n.polname) AS names,
	  count(*) AS n, bool_and(n.setup IS NOT NULL) AS made
	 FROM named n JOIN (VALUES ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) c(letter, cmd)
	  ON n.polcmd = '*' OR n.polcmd::text = c.letter
	 WHERE n.polpermissive GROUP BY n.polrelid, n.role, c.cmd HAVING count(*) > 1),
	together AS (SELECT polrelid, role, names, min(n) AS n, string_agg(cmd, ', ' ORDER BY cmd) AS cmds
	 FROM each WHERE NOT made GROUP BY polrelid, role, names),
	-- The tables that policies read to decide what a role may see.  A role that can write to such a table may
	-- give itself access.  A table is left out if its own policies keep the role from that: without a
	-- policy for writing, the role cannot add rows; and if a column that the policy reads, and that the
	-- table's own policies do not, is unique, the role cannot use a key that is already in the table.  For a policy
	-- for PUBLIC, take all roles that have a privilege to write the table.
	reading AS (SELECT d.refobjid AS tab, n.role, t.name AS source, array_agg(d.refobjsubid) AS keys
	 FROM named n JOIN t ON t.oid = n.polrelid
	 JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = n.oid
	  AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> n.polrelid
	 GROUP BY d.refobjid, n.oid, n.role, t.name),
	l AS (SELECT r.tab, r.keys, r.role, r.source FROM reading r
	 UNION SELECT r.tab, r.keys, a.grantee, r.source FROM reading r
	  JOIN pg_class c ON c.oid = r.tab CROSS JOIN LATERAL aclexplode(c.relacl) a
	  WHERE r.role = 0 AND a.grantee <> c.relowner AND a.privilege_type IN ('INSERT', 'UPDATE')),
	w AS (SELECT l.tab, l.role, r.rolname, min(l.source) AS source, count(DISTINCT l.source) AS n
	 FROM l JOIN pg_class c ON c.oid = l.tab AND c.relkind IN ('r', 'p')
	 LEFT JOIN pg_roles r ON r.oid = l.role
	 WHERE (l.role = 0 OR NOT (r.rolsuper OR r.rolbypassrls)) AND has_any_column_privilege(l.role, l.tab, 'INSERT, UPDATE')
	 AND NOT (c.relrowsecurity AND (l.role = 0 OR c.relforcerowsecurity OR NOT pg_has_role(l.role, c.relowner, 'USAGE'))
	  AND (EXISTS (SELECT FROM pg_index x WHERE x.indrelid = l.tab AND x.indisunique AND x.indisvalid
	    AND x.indnkeyatts = 1 AND x.indkey[0] = ANY (l.keys) AND x.indpred IS NULL
	    AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_policy p ON p.oid = d.objid AND p.polrelid = l.tab
	     WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass
	      AND d.refobjid = l.tab AND d.refobjsubid = x.indkey[0]))
	   OR NOT EXISTS (SELECT FROM pg_policy p CROSS JOIN LATERAL unnest(p.polroles) u(oid)
	    WHERE p.polrelid = l.tab AND p.polpermissive AND p.polcmd IN ('*', 'a', 'w')
	    AND (u.oid = 0 OR (l.role <> 0 AND pg_has_role(l.role, u.oid, 'USAGE'))))))
	 GROUP BY l.tab, l.role, r.rolname)
	-- unprotected tables in a schema with protected ones; the severity is "error" if a table has the
	-- same key as the protected ones
	SELECT 'rls_disabled', CASE WHEN b.key IS NULL THEN 'warning' ELSE 'error' END, b.name,
	 'row-level security is off, although other tables have it'
	 || coalesce('; column ' || quote_ident(b.key) || ' is their key',
	  CASE WHEN b.roles IS NULL THEN '; none of its columns is their key, and with the fix alone no rows are visible'
	  ELSE '; none of its columns is their key: with the fix, every row can be read and none can be written, which is suitable only for data that everyone may read' END),
	 CASE WHEN b.key IS NOT NULL THEN b.enable
	-- create the policies before enabling row-level security, so that the application is never locked
	-- out
	  ELSE coalesce(format('CREATE POLICY shared_rows ON %s FOR SELECT TO ', b.name) || b.to_roles || ' USING (true); ', '')
	   || CASE WHEN b.roles IS NULL OR b.bypass IS NULL THEN '' ELSE format('CREATE POLICY bypass ON %s TO %s USING (true) WITH CHECK (true); ', b.name,
	    (SELECT string_agg(quote_ident(u.name), ', ' ORDER BY quote_ident(u.name)) FROM unnest(b.bypass) u(name))) END
	   || 'ALTER TABLE ' || b.name || ' ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY' END, NULL::oid
	FROM b WHERE NOT b.rls AND NOT EXISTS (SELECT FROM p WHERE p.polrelid = b.oid)
	AND EXISTS (SELECT FROM t s WHERE s.ns = b.ns AND s.rls)
	AND NOT EXISTS (SELECT FROM pg_inherits i JOIN t s ON s.oid = i.inhparent WHERE i.inhrelid = b.oid AND s.rls)
	UNION ALL
	SELECT 'no_force', 'warning', t.name, format('row-level security does not apply to the owner, role %I', t.owner_name),
	 'ALTER TABLE ' || t.name || ' FORCE ROW LEVEL SECURITY', NULL
	FROM t WHERE t.rls AND NOT t.forced
	UNION ALL
	SELECT 'policy_without_rls', 'error', t.name,
	 'it has policies, but they have no effect because row-level security is off'
	  || CASE WHEN EXISTS (SELECT FROM p WHERE p.polrelid = t.oid AND p.polpermissive AND NOT p.bypass) THEN ''
	  ELSE '; even with the fix, they let every row through because none of them compares a key' END,
	 'ALTER TABLE ' || t.name || ' ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', NULL
	FROM t WHERE NOT t.rls AND EXISTS (SELECT FROM p WHERE p.polrelid = t.oid)
	-- a table whose parent has policies is meant to be read only through the parent, and needs no
	-- policies of its own
	UNION ALL
	SELECT 'rls_without_policy', 'warning', b.name,
	 'row-level security is on, but there is no policy: only roles that bypass it see rows'
	  || CASE WHEN b.key IS NULL THEN '; none of its columns is a key of other tables' ELSE '' END,
	 CASE WHEN b.key IS NOT NULL THEN b.enable
	  ELSE format('-- CREATE POLICY key_access ON %s TO %s USING (<key> = <context>): <key> is the column that identifies the owner of a row, <context> is the current user or tenant', b.name,
	   coalesce(b.to_roles, '<role>')) || CASE WHEN b.roles IS NULL THEN ', <role> is the role of the application' ELSE '' END END, NULL
	FROM b WHERE b.rls AND NOT EXISTS (SELECT FROM p WHERE p.polrelid = b.oid)
	AND NOT EXISTS (SELECT FROM pg_inherits i JOIN p ON p.polrelid = i.inhparent WHERE i.inhrelid = b.oid)
	UNION ALL
	SELECT 'only_restrictive', 'warning', t.name,
	 'all its policies are restrictive: without a permissive policy, no rows are visible',
	 format('-- CREATE POLICY key_access ON %s TO %s USING (<key> = <context>): <key> is the column that identifies the owner of a row, <context> is the current user or tenant', t.name,
	  coalesce((SELECT string_agg(DISTINCT quote_ident(app.rolname), ', ') FROM app WHERE app.polrelid = t.oid), '<role>')), NULL
	FROM t JOIN (SELECT p.polrelid FROM p GROUP BY p.polrelid HAVING NOT bool_or(p.polpermissive)) n ON n.polrelid = t.oid
	WHERE t.rls AND NOT EXISTS (SELECT FROM pg_inherits i JOIN p ON p.polrelid = i.inhparent WHERE i.inhrelid = t.oid)
	UNION ALL
	SELECT 'to_public', 'warning', format('policy %I on %s', p.polname, t.name), 'it applies to PUBLIC: every role, including future ones',
	 CASE WHEN r.names IS NULL THEN '-- ' ELSE '' END || format('ALTER POLICY %I ON %s TO %s', p.polname, t.name,
	   coalesce((SELECT string_agg(quote_ident(u.name), ', ' ORDER BY u.name) FROM unnest(r.names) u(name)), '<role>'))
	  || CASE WHEN r.names IS NULL THEN ', where <role> is the role of the application' ELSE '' END, NULL
	FROM p JOIN bare t ON t.oid = p.polrelid CROSS JOIN LATERAL (SELECT coalesce(t.granted, t.siblings)) r(names)
	WHERE p.polroles = '{0}'
	-- roles to which no policies apply, although a policy names them or they have a privilege
	UNION ALL
	SELECT 'role_bypasses', 'error', t.name,
	 format('policies name role %I, which %s and sees every row', app.rolname,
	  CASE WHEN app.rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END),
	 format('ALTER ROLE %I %s', app.rolname, CASE WHEN app.rolsuper THEN 'NOSUPERUSER NOBYPASSRLS' ELSE 'NOBYPASSRLS' END), NULL
	FROM app JOIN t ON t.oid = app.polrelid WHERE app.rolsuper OR app.rolbypassrls
	UNION ALL
	SELECT DISTINCT 'role_bypasses', 'warning', t.name,
	 format('role %I has privileges on it and sees every row: it %s', r.rolname,
	  CASE WHEN r.rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END),
	 format('REVOKE ALL ON %s FROM %I', t.name, r.rolname), NULL::oid
	FROM t CROSS JOIN LATERAL aclexplode(t.acl) a JOIN pg_roles r ON r.oid = a.grantee
	WHERE t.rls AND (r.rolsuper OR r.rolbypassrls) AND r.oid <> t.owner
	AND NOT EXISTS (SELECT FROM named n WHERE n.polrelid = t.oid AND n.role = r.oid)
	-- name the membership to revoke, through which the role can become the other role, perhaps
	-- indirectly
	UNION ALL
	SELECT 'role_bypasses', d.severity, d.name,
	 format('role %I can SET ROLE %I, which %s: then it sees every row', d.rolname, d.free_name, d.why),
	 format('REVOKE %I FROM %I', coalesce((SELECT min(r.rolname) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
	  WHERE m.member = d.role AND pg_has_role(m.roleid, d.free, 'MEMBER')), d.free_name), d.rolname), NULL
	FROM bypass d
	UNION ALL
	SELECT 'owner_is_application', CASE WHEN t.forced THEN 'warning' ELSE 'error' END, t.name,
	 format('policies name role %I, which %s: it %s', app.rolname,
	  CASE WHEN app.oid = t.owner THEN 'owns the table' ELSE format('has the privileges of the owner, role %I', t.owner_name) END,
	  CASE WHEN t.forced THEN 'can turn row-level security off' ELSE 'sees every row' END),
	 CASE WHEN app.oid = t.owner THEN format('-- ALTER TABLE %s OWNER TO <role>, which is a role that policies do not apply to', t.name)
	  ELSE format('REVOKE %I FROM %I', t.owner_name, app.rolname) END, NULL
	FROM app JOIN t ON t.oid = app.polrelid
	WHERE t.rls AND NOT app.rolsuper AND (pg_has_role(app.oid, t.owner, 'USAGE')
	 OR pg_has_role(app.oid, t.owner, $2))
	-- the privileges of a view's owner are checked when the view is read
	UNION ALL
	SELECT 'view_definer', CASE WHEN v.maintained AND NOT v.granted THEN 'notice'
	  WHEN v.free OR (v.bypasses AND v.granted) THEN 'error' ELSE 'warning' END, v.name,
	 format('the view reads %s with the privileges of its owner, role %I%s', v.tables, v.rolname,
	  CASE WHEN v.free OR v.bypasses THEN ', which sees every row' ELSE ', not those of its user' END),
	 format('ALTER VIEW %s SET (security_invoker = true)', v.name), NULL
	FROM v WHERE v.relkind = 'v' AND NOT v.invoker AND NOT v.by_user
	UNION ALL
	SELECT 'matview', CASE WHEN v.granted THEN 'error' WHEN v.maintained THEN 'notice' ELSE 'warning' END, v.name,
	 format('the materialized view contains rows of %s that its owner saw%s', v.tables,
	  CASE WHEN v.granted THEN ', and other roles can read them' ELSE '' END),
	 CASE WHEN v.granted THEN format('REVOKE ALL ON %s FROM %s', v.name, v.grantees)
	  ELSE format('-- do not grant privileges on %s: no policy limits what can be read from it', v.name) END, NULL
	FROM v WHERE v.relkind = 'm'
	UNION ALL
	SELECT 'security_definer', CASE WHEN d.sees THEN 'warning' ELSE 'notice' END, f.kind || f.name,
	 format('it reads %s with the privileges of role %I%s', d.tables, f.rolname, CASE WHEN d.sees THEN ', which sees every row' ELSE '' END),
	 format('ALTER %s%s SECURITY INVOKER', upper(f.kind), f.name), CASE WHEN d.sees THEN f.oid END
	FROM f JOIN definer d ON d.oid = f.oid
	UNION ALL
	SELECT 'dynamic_sql', CASE WHEN r.sees THEN 'warning' ELSE 'notice' END, d.kind || d.name,
	 format('%s with the privileges of role %I%s: what it reads cannot be checked', d.how, d.rolname,
	  CASE WHEN r.sees THEN ', which sees every row' ELSE '' END),
	 format('ALTER %s%s SECURITY INVOKER', upper(d.kind), d.name), NULL
	FROM dynamic d JOIN reach r ON r.proowner = d.proowner
	-- temporary tables are found first unless the path ends with pg_temp; with an empty path, all names
	-- are qualified
	UNION ALL
	SELECT 'definer_search_path', 'warning', f.kind || f.name,
	 CASE WHEN f.path IS NULL THEN 'it looks up names in the search_path of its caller, who can put other objects there'
	  ELSE 'its search_path does not end with pg_temp: temporary tables of its caller take precedence over the intended ones' END,
	 format('ALTER %s%s SET search_path = %s, pg_temp', upper(f.kind), f.name, coalesce(f.path, quote_ident(f.nspname))), NULL
	FROM f WHERE NOT f.parsed AND f.oid IN (SELECT r.func FROM reads r UNION SELECT d.oid FROM dynamic d WHERE EXISTS (SELECT FROM t WHERE t.rls))
	AND (f.path IS NULL OR (f.path !~ '(^|[ ,])"?pg_temp"?$' AND f.path NOT IN ('', '""', 'pg_catalog')))
	UNION ALL
	SELECT 'unrestricted_privilege', CASE WHEN bool_or(m.priv <> 'REFERENCES') THEN 'warning' ELSE 'notice' END, m.name,
	 format('%s has %s on it, which no policy limits', CASE WHEN m.role = 0 THEN 'everybody' ELSE format('role %I', pg_get_userbyid(m.role)) END,
	  string_agg(m.priv, ', ' ORDER BY m.priv DESC)),
	 format('REVOKE TRUNCATE, REFERENCES, TRIGGER ON %s FROM %s', m.name,
	  coalesce((SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')
	   FROM t CROSS JOIN LATERAL aclexplode(t.acl) a WHERE t.oid = m.oid AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
	   AND (a.grantee = 0 OR (m.role <> 0 AND pg_has_role(m.role, a.grantee, 'USAGE')))), '<role>')), NULL
	FROM more m GROUP BY m.oid, m.name, m.role
	-- sequences of protected tables: with setval(), a role can make the INSERTs of others fail, and the
	-- last value tells how many rows there are
	UNION ALL
	SELECT 'sequence_privilege', CASE WHEN has_sequence_privilege(a.oid, s.oid, 'UPDATE') THEN 'warning' ELSE 'notice' END, s.name,
	 format('role %I can %s, which belongs to %s', a.rolname, CASE WHEN has_sequence_privilege(a.oid, s.oid, 'UPDATE')
	  THEN 'set the value of the sequence' ELSE 'read the last value of the sequence' END, s.table_name),
	 format('REVOKE SELECT, UPDATE ON SEQUENCE %s FROM %s', s.name, coalesce((SELECT string_agg(DISTINCT CASE WHEN g.grantee = 0 THEN 'PUBLIC'
	   ELSE quote_ident(pg_get_userbyid(g.grantee)) END, ', ') FROM aclexplode(s.relacl) g WHERE g.privilege_type IN ('SELECT', 'UPDATE')
	   AND (g.grantee = 0 OR pg_has_role(a.oid, g.grantee, 'USAGE'))), quote_ident(a.rolname))), NULL
	FROM (SELECT c.oid, c.relacl, format('%I.%I', n.nspname, c.relname) AS name, t.oid AS tab, t.name AS table_name, t.owner FROM t
	  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.deptype IN ('a', 'i')
	  JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.rls) s
	 JOIN app a ON a.polrelid = s.tab WHERE NOT a.rolsuper AND NOT pg_has_role(a.oid, s.owner, 'USAGE')
	 AND has_sequence_privilege(a.oid, s.oid, 'SELECT, UPDATE')
	UNION ALL
	SELECT 'unused_policy', 'notice', format('policy %I on %s', p.polname, t.name), 'none of its roles has a privilege on the table',
	 format('GRANT %s ON %s TO %s', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
	  WHEN 'd' THEN 'DELETE' ELSE 'SELECT, INSERT, UPDATE, DELETE' END, t.name,
	  (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname) FROM pg_roles r WHERE r.oid = ANY (p.polroles))), NULL
	FROM p JOIN t ON t.oid = p.polrelid WHERE t.rls AND p.polroles <> '{0}'
	AND NOT EXISTS (SELECT FROM unnest(p.polroles) u(oid) JOIN pg_roles r ON r.oid = u.oid
	 WHERE CASE p.polcmd WHEN 'r' THEN has_any_column_privilege(u.oid, t.oid, 'SELECT')
	  WHEN 'a' THEN has_any_column_privilege(u.oid, t.oid, 'INSERT')
	  WHEN 'w' THEN has_any_column_privilege(u.oid, t.oid, 'UPDATE')
	  WHEN 'd' THEN has_table_privilege(u.oid, t.oid, 'DELETE')
	  ELSE has_any_column_privilege(u.oid, t.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(u.oid, t.oid, 'DELETE') END)
	UNION ALL
	-- a policy that a floor does not limit, because that is for other roles, and that does not use the
	-- columns of the floor; the policy reads a setting, or calls a function that may
	SELECT 'floor_misses_role', 'error', format('policy %I on %s', n.polname, t.name),
	 format('restrictive policy %I does not apply to %s, and this policy does not compare its key %I', f.polname,
	  CASE WHEN n.role = 0 THEN 'PUBLIC' ELSE 'role ' || quote_ident(r.name) END, a.attname),
	 format('ALTER POLICY %I ON %s TO %s', f.polname, t.name, CASE WHEN n.role = 0 THEN 'PUBLIC' ELSE
	  (SELECT string_agg(quote_ident(o.name), ', ' ORDER BY u.n) FROM unnest(f.polroles || n.role) WITH ORDINALITY u(oid, n) JOIN names o ON o.oid = u.oid) END), NULL
	FROM named n JOIN t ON t.oid = n.polrelid LEFT JOIN names r ON r.oid = n.role
	 JOIN p f ON f.polrelid = t.oid AND NOT f.polpermissive AND f.polcmd <> 'a' AND (n.polcmd = '*' OR f.polcmd IN ('*', n.polcmd))
	 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = (SELECT min(k.attnum) FROM uses k WHERE k.policy = f.oid)
	WHERE n.polpermissive AND n.expressions ~ '[{](FUNCEXPR :funcid (2077|3294|[0-9]{5,}) |SQLVALUEFUNCTION )'
	AND coalesce(n.setup, '') !~ ' public_read=on'
	AND NOT EXISTS (SELECT FROM uses k JOIN uses o ON o.attnum = k.attnum WHERE k.policy = f.oid AND o.policy = n.oid)
	AND NOT EXISTS (SELECT FROM unnest(f.polroles) x(oid) WHERE x.oid IN (n.role, 0) OR (n.role <> 0 AND pg_has_role(n.role, x.oid, 'USAGE')))
	UNION ALL
	SELECT 'unknown_column', 'warning', format('policy %I on %s', p.polname, t.name),
	 format('it was created for column %I, which no longer exists', s.value),
	 format('-- SELECT cmig.enable_rls(%L, %s => ''<new name>''), with the current name of the column', t.name, s.name), NULL
	FROM p JOIN t ON t.oid = p.polrelid JOIN words_of s ON s.policy = p.oid
	WHERE s.name IN ('tenant_column', 'user_column', 'key_column')
	AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = s.value AND NOT a.attisdropped)
	UNION ALL
	-- equal expressions can differ in the locations of their parts in the text
	SELECT 'duplicate_policy', 'warning', format('policy %I on %s', p.polname, t.name),
	 format('it is the same as policy %I', min(o.polname)), format('DROP POLICY %I ON %s', p.polname, t.name), NULL
	FROM p JOIN p o ON o.polrelid = p.polrelid AND o.polname < p.polname AND o.polpermissive = p.polpermissive AND o.polcmd = p.polcmd
	 AND o.expressions = p.expressions JOIN t ON t.oid = p.polrelid
	WHERE EXISTS (SELECT FROM unnest(p.polroles) r(oid), unnest(o.polroles) x(oid)
	 WHERE x.oid IN (r.oid, 0) OR (r.oid <> 0 AND pg_has_role(r.oid, x.oid, 'USAGE')
	  AND NOT (SELECT s.rolsuper FROM pg_roles s WHERE s.oid = r.oid)))
	GROUP BY p.polname, t.name

	UNION ALL
	SELECT 'many_permissive', 'notice', t.name,
	 format('%s permissive policies (%s) are combined using OR for %s, role %s', e.n, e.names, e.cmds,
	  CASE WHEN e.role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.role)) END),
	 format('-- combine the expressions of the policies on %s in one policy using OR, and drop the others', t.name), NULL
	FROM together e JOIN t ON t.oid = e.polrelid
	-- partitions and child tables without row-level security; if the parent's policies were created by
	-- hand, the fix enables it without policies, so that the child can be read only through the parent
	UNION ALL
	SELECT 'partition_exposed', CASE WHEN EXISTS (SELECT FROM (SELECT c.relacl AS acl UNION ALL
	  SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) l CROSS JOIN LATERAL aclexplode(l.acl) a WHERE a.grantee <> c.relowner)
	  THEN 'error' ELSE 'notice' END, format('%I.%I', n.nspname, c.relname),
	 format('its parent %s has row-level security, but this table does not: queries that name it directly see every row', t.name),
	 coalesce(q.call, format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', n.nspname, c.relname)), NULL
	FROM t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid
	 JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN calls q ON q.oid = t.oid
	WHERE t.rls AND NOT c.relrowsecurity AND c.relkind IN ('r', 'p')
	UNION ALL
	SELECT 'membership_writable', 'warning', format('%I.%I', n.nspname, c.relname),
	 format('%s can write to it, and policies of %s use it to decide what a role may see: adding a row gives access',
	  CASE WHEN w.role = 0 THEN 'everybody' ELSE format('role %I', w.rolname) END,
	  w.source || CASE WHEN w.n > 1 THEN format(' and %s more', w.n - 1) ELSE '' END),
	 CASE WHEN w.role <> 0 AND pg_has_role(w.role, c.relowner, 'USAGE')
	  THEN format('ALTER TABLE %I.%I OWNER TO <role> -- <role> is a role that policies do not apply to', n.nspname, c.relname)
	  ELSE format('REVOKE INSERT, UPDATE ON %I.%I FROM %s', n.nspname, c.relname, coalesce(
	   (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')
	    FROM (SELECT c.relacl AS acl UNION ALL SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) s
	    CROSS JOIN LATERAL aclexplode(s.acl) a WHERE a.privilege_type IN ('INSERT', 'UPDATE')
	    AND (a.grantee = 0 OR (w.role <> 0 AND pg_has_role(w.role, a.grantee, 'USAGE')))), '<role>')) END, NULL
	FROM w JOIN pg_class c ON c.oid = w.tab JOIN pg_namespace n ON n.oid = c.relnamespace
$rules$;

COMMENT ON FUNCTION cmig.rls_rules(oid[], text) IS 'Contains the rules of cmig.rls_check that only read catalogs. Called by cmig.rls_check only, with the schemas and the privilege that allows SET ROLE. Names are looked up in the search_path of the caller.';

CREATE FUNCTION cmig.rls_status(schema text DEFAULT NULL,
	OUT target text, OUT enabled boolean, OUT forced boolean, OUT columns text,
	OUT roles text, OUT bypass_roles text, OUT policies integer, OUT by_hand integer)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off
AS $status$
	-- a bypass policy is a permissive policy whose expression is true
	WITH p AS (SELECT p.oid, p.polrelid, u.oid AS role, p.polpermissive AND p.polcmd = '*' AND p.polroles <> '{0}'
	   AND p.polqual::text LIKE '{CONST :consttype 16 %:constvalue 1 [% 1 %' AS bypass,
	   coalesce(position('[cmig.enable_rls ' IN d.description) > 0, false) AS made
	  FROM pg_policy p CROSS JOIN LATERAL unnest(p.polroles) u(oid)
	  LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass AND d.objsubid = 0),
	 s AS (SELECT p.polrelid, count(DISTINCT p.oid) AS n, count(DISTINCT p.oid) FILTER (WHERE NOT p.made) AS by_hand,
	   string_agg(DISTINCT r.name, ', ') FILTER (WHERE NOT p.bypass) AS roles,
	   string_agg(DISTINCT r.name, ', ') FILTER (WHERE p.bypass) AS bypass_roles
	  FROM p CROSS JOIN LATERAL (SELECT CASE WHEN p.role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.role)) END) r(name)
	  GROUP BY p.polrelid),
	 k AS (SELECT d.refobjid, string_agg(DISTINCT quote_ident(a.attname), ', ') AS columns
	  FROM pg_depend d JOIN pg_policy p ON p.oid = d.objid AND p.polrelid = d.refobjid
	  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
	  WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 GROUP BY d.refobjid)
	SELECT format('%I.%I', n.nspname, c.relname), c.relrowsecurity, c.relforcerowsecurity, k.columns,
	 s.roles, s.bypass_roles, coalesce(s.n, 0)::integer, coalesce(s.by_hand, 0)::integer
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN s ON s.polrelid = c.oid LEFT JOIN k ON k.refobjid = c.oid
	WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
	AND CASE WHEN $1 IS NULL THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit')
	 ELSE n.oid = quote_ident($1)::regnamespace END
	AND NOT EXISTS (SELECT FROM pg_depend e JOIN pg_roles r ON r.oid = c.relowner AND r.rolsuper WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
	ORDER BY n.nspname, c.relname
$status$;

CREATE FUNCTION cmig.rls_test(target regclass DEFAULT NULL, role name DEFAULT NULL,
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

COMMENT ON FUNCTION cmig.rls_check(text) IS 'Checks the row-level security of one schema, or of all schemas, for holes and slow conditions. Returns the rule, severity (error, warning, or notice), object, problem, and fix of each finding. Raises an error if the schema does not exist (3F000).';
COMMENT ON FUNCTION cmig.rls_status(text) IS 'Returns the tables of one schema, or of all schemas, with their row-level security flags, the columns that policies use, the roles that the policies apply to, the roles that bypass them, the number of policies, and how many of these enable_rls did not create. Raises an error if the schema does not exist (3F000).';
COMMENT ON FUNCTION cmig.rls_test(regclass, name, text, text, text, text) IS 'Tries to read, write, and move rows of a table as a role with a context, and rolls everything back. Returns the number of rows seen and the verdict. Raises an error if the table cannot be tested (42809), an argument is not valid (22023, 22P02, 42804), a column or role does not exist (42703, 42704), or a privilege is missing (42501).';
COMMENT ON FUNCTION cmig.rls_test(regclass, name, text[], text[], text, text) IS 'Does the same as the other rls_test for several contexts: the first user with the first tenant, the second user with the second tenant, and so on. Raises the same errors as the other rls_test.';
COMMENT ON FUNCTION cmig.set_context(text, text, boolean) IS 'Sets the user and the tenant for policies until the end of the transaction or, with is_local => false, of the session. NULL or '''' means that there is none.';
COMMENT ON FUNCTION cmig.set_context("any", "any", boolean) IS 'Does the same as set_context(text, text, boolean), for keys of any type.';
COMMENT ON FUNCTION cmig.clear_context() IS 'Clears the context of the transaction and of the session. Policies that use the context then show no rows.';
COMMENT ON FUNCTION cmig.context() IS 'Returns the user and the tenant of the context, or NULL for those that are not set.';
COMMENT ON FUNCTION cmig.current_user_id() IS 'Returns the user of the context, or NULL if it is not set.';
COMMENT ON FUNCTION cmig.current_tenant_id() IS 'Returns the tenant of the context, or NULL if it is not set.';
COMMENT ON FUNCTION cmig.require_user_id() IS 'Returns the user of the context. Raises an error if it is not set (MG020).';
COMMENT ON FUNCTION cmig.require_tenant_id() IS 'Returns the tenant of the context. Raises an error if it is not set (MG020).';
COMMENT ON FUNCTION cmig.enable_rls(regclass, text, text, text[], text[], boolean, boolean, text[], boolean, boolean, boolean, boolean, regclass, text, text, text) IS 'Enables row-level security by user, tenant, or membership on a table and on the tables that inherit from it. Returns the statements that were run. Raises an error if the table is of an unsupported kind (0A000, 42809), an argument is not valid (22004, 22023), the caller does not own the table (42501), a column or role does not exist (42703, 42704), a column has an unsupported type (42804), or another policy has the same name (42710).';
COMMENT ON FUNCTION cmig.enable_rls_schema(text, text, text, text[], text[], boolean, boolean, text[], boolean, boolean, boolean, boolean, regclass[]) IS 'Runs enable_rls for every table of a schema that has a key column. If it fails for any of them, no table is changed, and the error lists all tables that failed. Returns each table and statement. Raises an error if the schema does not exist (3F000), and the same errors as enable_rls.';
COMMENT ON FUNCTION cmig.rls_script(regclass, text, text, text[], text[], boolean, boolean, text[], boolean, boolean, boolean, boolean, regclass, text, text, text) IS 'Returns the statements that enable_rls would run on a table that it has not changed yet. Runs nothing. Raises the same errors as enable_rls.';
COMMENT ON FUNCTION cmig.disable_rls(regclass) IS 'Reverts what enable_rls created on a table and on the tables that inherit from it, and nothing else. Returns the statements that were run. Raises an error if the caller does not own the table (42501), the relation is not a table (42809), or a saved default is not an expression (22023).';

--
-- Audit log
--

CREATE FUNCTION cmig.audit_trigger()
RETURNS trigger
AS '$libdir/pg_cmig_session', 'cmig_audit_trigger'
LANGUAGE C;

-- if the argument for an option is null, the option does not change
CREATE FUNCTION cmig.enable_audit(target regclass DEFAULT NULL,
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

CREATE FUNCTION cmig.enable_audit_schema(schema text DEFAULT NULL, pattern text DEFAULT '%',
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

CREATE FUNCTION cmig.disable_audit(target regclass DEFAULT NULL, OUT statement text)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_disable_audit'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_status(schema text DEFAULT NULL,
	OUT target text, OUT table_id integer, OUT level text,
	OUT operations text, OUT options text, OUT problem text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_status'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_script(target regclass DEFAULT NULL,
	exclude text[] DEFAULT NULL, include text[] DEFAULT NULL,
	redact text[] DEFAULT NULL, hash text[] DEFAULT NULL,
	image text DEFAULT NULL, operations text[] DEFAULT NULL,
	skip_unchanged boolean DEFAULT NULL, query_length integer DEFAULT NULL,
	level text DEFAULT NULL, replicated boolean DEFAULT NULL,
	oversize text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_audit_script'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE PROCEDURE cmig.audit_retain(keep interval DEFAULT NULL, batch_rows integer DEFAULT 200000)
AS 'MODULE_PATHNAME', 'cmig_audit_retain'
LANGUAGE C;

CREATE FUNCTION cmig.audit_history(target regclass, key "any" DEFAULT NULL::text,
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

CREATE FUNCTION cmig.audit_history(target text DEFAULT NULL, key text DEFAULT NULL,
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

-- a variant for keys that are not text
CREATE FUNCTION cmig.audit_as_of(row_type anyelement, at timestamptz, key "any")
RETURNS SETOF anyelement
AS 'MODULE_PATHNAME', 'cmig_audit_as_of'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_diff(target regclass, key "any" DEFAULT NULL::text,
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_diff(target text DEFAULT NULL, key text DEFAULT NULL,
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_diff(target text, key "any",
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;

-- the ID is an xid8, a text, or an integer, which txid_current() returns
CREATE FUNCTION cmig.audit_transaction(transaction_id text DEFAULT NULL,
	OUT id bigint, OUT clock_at timestamptz, OUT schema_name text,
	OUT table_name text, OUT operation text, OUT row_key jsonb,
	OUT old_key jsonb, OUT changed text[], OUT old_row jsonb,
	OUT new_row jsonb, OUT user_id text, OUT tenant_id text, OUT role text,
	OUT revision text, OUT reason text, OUT request_id text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_transaction'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.audit_transaction(transaction_id "any",
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

CREATE FUNCTION cmig.audit_import(source regclass DEFAULT NULL, mapping jsonb DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'cmig_audit_import'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.audit_trigger() IS 'Trigger function of the triggers that enable_audit creates. Raises an error if it is called in any other way (39P01), a value exceeds the limits of jsonb (54000), or the log cannot be used (42501, 42P01, 55000).';
COMMENT ON FUNCTION cmig.enable_audit(regclass, text[], text[], text[], text[], text, text[], boolean, integer, text, boolean, text) IS 'Logs the changes to a table in cmig_audit.log. If the table is already audited, changes the options that are not null. Returns the statements that were run, or no rows if nothing changed. Raises an error if the table is of an unsupported kind (0A000, 42809), the caller does not own the table or cannot use the log (42501), a column does not exist (42703), an argument is not valid (22004, 22023), or it conflicts with existing audit triggers (55000).';
COMMENT ON FUNCTION cmig.enable_audit_schema(text, text, text[], text[], text[], text[], text, text[], boolean, integer, text, boolean, text) IS 'Runs enable_audit for all tables of a schema whose names match a LIKE pattern. A column to hide does not have to exist in every table. Returns the statements that were run. Raises an error if the schema does not exist (3F000), and the same errors as enable_audit.';
COMMENT ON FUNCTION cmig.disable_audit(regclass) IS 'Stops logging the changes to a table. Its entries stay in the log. Returns the statements that were run. Raises an error if the caller does not own the table (42501), the relation is not a table (42809), or the table is a partition that is audited through its partitioned table (55000).';
COMMENT ON FUNCTION cmig.audit_status(text) IS 'Returns the tables of one schema, or of all schemas, with how each one is audited (NULL if it is not audited), and problems with its audit. Raises an error if the schema does not exist (3F000).';
COMMENT ON FUNCTION cmig.audit_script(regclass, text[], text[], text[], text[], text, text[], boolean, integer, text, boolean, text) IS 'Returns a script that audits a table in a database without pg_cmig, with the same kind of log. Raises an error if an option is not available there (0A000), and the same errors as enable_audit.';
COMMENT ON PROCEDURE cmig.audit_retain(interval, integer) IS 'Creates the partitions of the log for the next six months, moves entries out of the default partition in transactions of up to batch_rows entries, and drops the partitions in which all entries are older than keep. If keep is NULL, drops no partitions. Raises an error if an argument is not positive (22023), the caller is not a member of the log''s owner (42501), a lock is not available in time (55P03), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_import(regclass, jsonb) IS 'Copies the rows of an older audit table into the log. The mapping specifies the columns whose names differ from the usual ones. Returns the number of rows. Raises an error if an argument is not valid (22004, 22023), a column does not exist (42703), a privilege is missing (42501), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_as_of(anyelement, timestamptz) IS 'Returns the rows of a table as they were at a point in time, for example audit_as_of(NULL::<table>, <time>). Raises an error if the table or its history cannot be used (0A000, 42704, 42809, 55000), an argument is NULL (22004), or a privilege is missing (42501). Also raises the error of a data type that no longer accepts a value.';
COMMENT ON FUNCTION cmig.audit_as_of(anyelement, timestamptz, text) IS 'Returns the row with the given key as it was at a point in time. Raises an error if the key is not valid (22023), and the same errors as without a key.';
COMMENT ON FUNCTION cmig.audit_as_of(anyelement, timestamptz, "any") IS 'Returns the row with the given key as it was at a point in time. Raises an error if the key is not valid (22023), and the same errors as without a key.';
COMMENT ON FUNCTION cmig.audit_transaction("any") IS 'Returns the log entries of one transaction, in order. The ID is an xid8 or an integer. Raises an error if the argument has another type or is negative (22023), the caller cannot read the log (42501), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_transaction(text) IS 'Does the same as audit_transaction("any"), for an ID as text. Raises an error if it is null (22004) or not a number (22P02).';
COMMENT ON FUNCTION cmig.audit_report(text, timestamptz, timestamptz) IS 'Returns the number of log entries and transactions by hour, table, operation, user, and role, for one table or all tables. Raises an error if the caller cannot read the log (42501), the table is not in the log (42704), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_history(regclass, "any") IS 'Returns the log entries of all rows that ever had the given key, in order, including entries from before and after a change of the key. The key is a JSON object, or the value of a single-column key. Raises an error if the key is NULL or not valid (22004, 22023), the caller cannot read the log (42501), the table is not in the log (42704), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_diff(regclass, "any", timestamptz, timestamptz) IS 'Returns the columns of a row that differ between two points in time. Raises the same errors as audit_history.';
COMMENT ON FUNCTION cmig.audit_history(text, text) IS 'Returns the log entries of all rows that ever had the given key, in order, including entries from before and after a change of the key. The key is a JSON object, or the value of a single-column key. Raises an error if the key is NULL or not valid (22004, 22023), the caller cannot read the log (42501), the table is not in the log (42704), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_history(text, "any") IS 'Returns the log entries of all rows that ever had the given key, in order, including entries from before and after a change of the key. The key is a JSON object, or the value of a single-column key. Raises an error if the key is NULL or not valid (22004, 22023), the caller cannot read the log (42501), the table is not in the log (42704), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_diff(text, text, timestamptz, timestamptz) IS 'Returns the columns of a row that differ between two points in time. Raises the same errors as audit_history.';
COMMENT ON FUNCTION cmig.audit_diff(text, "any", timestamptz, timestamptz) IS 'Returns the columns of a row that differ between two points in time. Raises the same errors as audit_history.';

--
-- The schema as text, and its differences from another one
--

CREATE FUNCTION cmig.schema_sql(schemas text[] DEFAULT NULL, owners boolean DEFAULT false,
	privileges boolean DEFAULT true, comments boolean DEFAULT true)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_schema_sql'
LANGUAGE C STABLE PARALLEL UNSAFE SET quote_all_identifiers = off;

CREATE FUNCTION cmig.schema_sql(schemas text, owners boolean DEFAULT false,
	privileges boolean DEFAULT true, comments boolean DEFAULT true)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_schema_sql'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.diff(target_sql text DEFAULT NULL, schemas text[] DEFAULT NULL,
	compare text DEFAULT 'all',
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}', concurrently boolean DEFAULT false, exclude text[] DEFAULT '{}',
	prove boolean DEFAULT true,
	OUT step integer, OUT action text, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text, OUT change text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_diff_1_2'
LANGUAGE C SET quote_all_identifiers = off;

CREATE FUNCTION cmig.diff_schemas(from_schema text DEFAULT NULL, to_schema text DEFAULT NULL,
	compare text DEFAULT 'all',
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}', concurrently boolean DEFAULT false,
	OUT step integer, OUT action text, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text, OUT change text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_diff_schemas_1_2'
LANGUAGE C SET quote_all_identifiers = off;

CREATE FUNCTION cmig.autogenerate(message text DEFAULT NULL, target_sql text DEFAULT NULL,
	revision text DEFAULT NULL, head text DEFAULT 'head', splice boolean DEFAULT false,
	branch_label text DEFAULT NULL, depends_on text[] DEFAULT '{}',
	file_template text DEFAULT '%(rev)s_%(slug)s',
	schemas text[] DEFAULT NULL, compare text DEFAULT 'all', owners boolean DEFAULT false,
	privileges boolean DEFAULT true, comments boolean DEFAULT true, renames text[] DEFAULT '{}',
	concurrently boolean DEFAULT false, store boolean DEFAULT false, source text DEFAULT 'live',
	exclude text[] DEFAULT '{}', stages boolean DEFAULT false, prove boolean DEFAULT true,
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_autogenerate_1_2'
LANGUAGE C SET quote_all_identifiers = off;

CREATE FUNCTION cmig.baseline(message text DEFAULT NULL, revision text DEFAULT NULL,
	branch_label text DEFAULT NULL,
	file_template text DEFAULT '%(rev)s_%(slug)s', schemas text[] DEFAULT NULL,
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_baseline'
LANGUAGE C SET quote_all_identifiers = off;

CREATE FUNCTION cmig.squash(range text DEFAULT NULL, message text DEFAULT NULL,
	revision text DEFAULT NULL,
	file_template text DEFAULT '%(rev)s_%(slug)s', schemas text[] DEFAULT NULL,
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}',
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_squash'
LANGUAGE C SET quote_all_identifiers = off;

CREATE FUNCTION cmig.require_schema(target_sql text DEFAULT NULL, schemas text[] DEFAULT NULL,
	compare text DEFAULT 'all', owners boolean DEFAULT false, privileges boolean DEFAULT true,
	comments boolean DEFAULT true, renames text[] DEFAULT '{}', concurrently boolean DEFAULT false,
	source text DEFAULT 'live', exclude text[] DEFAULT '{}')
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_require_schema_1_2'
LANGUAGE C SET quote_all_identifiers = off;

CREATE FUNCTION cmig.locate(exclude text[] DEFAULT NULL,
	OUT revision text, OUT differences integer, OUT examples text, OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_locate'
LANGUAGE C;

CREATE FUNCTION cmig.drift(schemas text[] DEFAULT NULL, compare text DEFAULT 'all',
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}', concurrently boolean DEFAULT false, raise boolean DEFAULT true,
	exclude text[] DEFAULT '{}',
	OUT step integer, OUT action text, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text, OUT change text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_drift_1_2'
LANGUAGE C SET quote_all_identifiers = off;

CREATE FUNCTION cmig.drift(schemas text, compare text DEFAULT 'all',
	owners boolean DEFAULT false, privileges boolean DEFAULT true, comments boolean DEFAULT true,
	renames text[] DEFAULT '{}', concurrently boolean DEFAULT false, raise boolean DEFAULT true,
	exclude text[] DEFAULT '{}',
	OUT step integer, OUT action text, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text, OUT change text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_drift_1_2'
LANGUAGE C;

CREATE FUNCTION cmig.capture(message text DEFAULT NULL,
	revision text DEFAULT NULL, head text DEFAULT 'head', splice boolean DEFAULT false,
	branch_label text DEFAULT NULL, depends_on text[] DEFAULT '{}',
	file_template text DEFAULT '%(rev)s_%(slug)s',
	schemas text[] DEFAULT NULL, compare text DEFAULT 'all', owners boolean DEFAULT false,
	privileges boolean DEFAULT true, comments boolean DEFAULT true, renames text[] DEFAULT '{}',
	concurrently boolean DEFAULT false, store boolean DEFAULT false,
	exclude text[] DEFAULT '{}',
	OUT revision text, OUT file_name text, OUT content text, OUT hazards text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_capture_1_2'
LANGUAGE C SET quote_all_identifiers = off;

COMMENT ON FUNCTION cmig.schema_sql(text[], boolean, boolean, boolean) IS 'Returns the SQL that creates the schema. The text is the same for all databases with the same schema. Raises an error if an argument is not valid (22004, 22023) or the schema does not exist (3F000).';
COMMENT ON FUNCTION cmig.schema_sql(text, boolean, boolean, boolean) IS 'Does the same as schema_sql(text[], boolean, boolean, boolean), for one schema.';
COMMENT ON FUNCTION cmig.diff(text, text[], text, boolean, boolean, boolean, text[], boolean, text[], boolean) IS 'Returns the statements that change the database into the schema that target_sql creates, in order, each with the statement that reverts it. Unless prove is false, has run them on empty copies of the objects, both ways, and completed them. Returns no rows if there is no difference. Raises an error if an argument is not valid (22004, 22023), the transaction is read-only (25006), a privilege is missing (42501), or the function is called by SQL that it runs (55000). Also raises the errors of target_sql.';
COMMENT ON FUNCTION cmig.diff_schemas(text, text, text, boolean, boolean, boolean, text[], boolean) IS 'Returns the statements that change one schema into another one, with the same columns as diff. Raises an error if an argument is not valid (22004, 22023), the schema does not exist (3F000), the transaction is read-only (25006), or the function is called by SQL that it runs (55000).';
COMMENT ON FUNCTION cmig.autogenerate(text, text, text, text, boolean, text, text[], text, text[], text, boolean, boolean, boolean, text[], boolean, boolean, text, text[], boolean, boolean) IS 'Returns a revision file that changes the database into the schema that target_sql creates, and back, with its id, name, and hazards. If stages is true, writes up to three revisions instead: one that only adds, one that fills and checks rows, and one that drops. If store is true, also stores the revision. Unless prove is false, has run the statements on empty copies of the objects, both ways. Returns no row if there is no difference. Raises an error if revisions are pending (MG010) or cannot be replayed (MG014), and the same errors as create_revision and diff.';
COMMENT ON FUNCTION cmig.squash(text, text, text, text, text[], boolean, boolean, boolean, text[]) IS 'Returns a revision file that replaces the revisions of a range, with the columns of autogenerate. The file contains their changes to the schema and their statements that change rows. Each of those statements must then be kept or deleted by hand. Stores nothing. Raises an error if the range is not valid (MG001 to MG004, 22023), the graph is broken (MG005), a revision cannot be replayed (MG014), an id or label is already in use (23505), or a schema does not exist (3F000), and the same errors as diff.';
COMMENT ON FUNCTION cmig.baseline(text, text, text, text, text[], boolean, boolean, boolean) IS 'Stores a revision that creates the existing schema, and records it as applied. It is the first revision of a database that already has a schema. Returns the columns of autogenerate. Raises an error if revisions are already applied (55000), the graph is broken (MG005), an argument is not valid (22004, 22023), the id or label is already in use (23505), or a schema does not exist (3F000).';
COMMENT ON FUNCTION cmig.require_schema(text, text[], text, boolean, boolean, boolean, text[], boolean, text, text[]) IS 'Does nothing if the database has the schema that target_sql creates. Otherwise raises an error that lists the differences (MG010). Also raises an error if a revision cannot be replayed (MG014) or a schema does not exist (3F000), and the same errors as diff.';
COMMENT ON FUNCTION cmig.locate(text[]) IS 'Finds the revision that has the schema of this database, for example after the version rows were lost. Replays the revisions, and returns those whose schemas have the fewest differences, the nearest one first, with some of the differences and the call of stamp. A revision that cannot be replayed is left out, with a notice. Raises an error if a schema of the revisions belongs to another role (42501), a pattern is not valid (22023), the graph is broken (MG005), it is called in a scope (0A000), or the transaction is read-only (25006).';
COMMENT ON FUNCTION cmig.drift(text[], text, boolean, boolean, boolean, text[], boolean, boolean, text[]) IS 'Returns the statements that change the schema back to the one that the applied revisions create, in order, each with a statement that has the same effect as what was run by hand. Returns no rows if there is no drift. Adds a row to cmig.journal. Raises an error if cmig.version names an unknown revision (MG001), a revision cannot be replayed (MG014), an argument is not valid (22004, 22023), the transaction is read-only (25006), a schema does not exist (3F000) or belongs to another role (42501), the schema changes during the call (40001), or the function is called by SQL that it runs (55000).';
COMMENT ON FUNCTION cmig.drift(text, text, boolean, boolean, boolean, text[], boolean, boolean, text[]) IS 'Does the same as drift(text[], text, boolean, boolean, boolean, text[], boolean, boolean, text[]), for one schema.';
COMMENT ON FUNCTION cmig.capture(text, text, text, boolean, text, text[], text, text[], text, boolean, boolean, boolean, text[], boolean, boolean, text[]) IS 'Returns a revision file that adopts what drift finds, with its id, name, and hazards. If store is true, also stores and stamps the revision. Returns no row if there is no drift. Raises an error if revisions are pending (MG010), and the same errors as create_revision and drift.';

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

COMMENT ON FUNCTION cmig.round_trip(text, boolean) IS 'Upgrades, downgrades, and upgrades again each revision, or only one, in empty schemas, and rolls everything back. Returns what the downgrade leaves behind, does not restore, or leaves changed, what the second upgrade does differently, and whether the order of the branches of a merge matters. Returns no rows if every downgrade reverts its upgrade. Raises an error if the target is not valid (MG001 to MG004, 22023), the graph is broken (MG005), the transaction is read-only (25006), or the function is called by SQL that it runs (55000). With raise => true, raises an error if there are rows (MG015).';

COMMENT ON FUNCTION cmig.verify(text, boolean) IS 'Runs the verify sections of the applied revisions, or of one revision and its ancestors, each in a subtransaction that is rolled back. Returns one row for each section, with what is wrong. Raises an error if the target is not valid (MG001, MG002, MG004), the graph is broken (MG005), the target is not applied (MG010), or the function is called by a script (55000). With raise => true, raises an error if a verification fails (MG009).';

CREATE FUNCTION cmig.preflight(target text DEFAULT 'head',
	OUT item text, OUT severity text, OUT value text, OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_preflight'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.preflight_rows(facts jsonb, at timestamptz,
	OUT item text, OUT severity text, OUT value text, OUT hint text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $preflight$
	WITH fact AS MATERIALIZED (SELECT f.*, nullif(concat_ws(', statement ', f.revision, nullif(f.statement, 0)), '') AS place, quote_ident(f.role) AS as_role,
	 regexp_replace(coalesce(f.name, ''), '^public[.]', '') AS short
	FROM ROWS FROM (jsonb_to_recordset($1) AS (kind text, revision text, role name, statement integer, name text, detail text, class oid, object oid,
	 mode integer, bytes bigint, indexes bigint, rows double precision, columns text[])) WITH ORDINALITY AS f (kind, revision, role, statement,
	 name, detail, class, object, mode, bytes, indexes, rows, columns, n)),
	me AS MATERIALIZED (SELECT d.oid AS db, pg_is_in_recovery() AS standby, quote_ident(current_user) AS role,
	 pg_has_role('pg_read_all_stats', 'USAGE') AS sees,
	 'GRANT pg_read_all_stats TO ' || quote_ident(current_user) AS see,
	 coalesce((SELECT f.detail FROM fact f WHERE f.kind = 'target'), '''head''') AS target,
	 -- NULL in a database for which an engine has the extension: share/cmig/engine.bash
	 (SELECT n.oid FROM pg_extension e, pg_namespace n WHERE e.extname = 'pg_cmig' AND n.nspname = 'cmig') AS home
	FROM pg_database d WHERE d.datname = current_database()),
	setting AS MATERIALIZED (SELECT s.name, s.setting::bigint * CASE s.unit WHEN 'kB' THEN 1024 WHEN 'MB' THEN 1048576 ELSE 1 END AS number,
	 current_setting(s.name) AS text FROM pg_settings s WHERE s.name IN ('statement_timeout', 'max_locks_per_transaction', 'max_connections',
	 'max_prepared_transactions', 'maintenance_work_mem', 'max_slot_wal_keep_size', 'autovacuum_freeze_max_age')),
	modes (mode, lock, name) AS (VALUES (1, 'AccessShareLock', 'ACCESS SHARE'), (2, 'RowShareLock', 'ROW SHARE'),
	 (3, 'RowExclusiveLock', 'ROW EXCLUSIVE'), (4, 'ShareUpdateExclusiveLock', 'SHARE UPDATE EXCLUSIVE'), (5, 'ShareLock', 'SHARE'),
	 (6, 'ShareRowExclusiveLock', 'SHARE ROW EXCLUSIVE'), (7, 'ExclusiveLock', 'EXCLUSIVE'), (8, 'AccessExclusiveLock', 'ACCESS EXCLUSIVE')),

	-- the strongest lock of the plan on each relation, the first revision that takes it, and a bit for each mode that conflicts
	wanted AS MATERIALIZED (SELECT f.object, bit_or(f.bytes) AS conflicts, max(f.mode) AS mode, max(f.short) AS name,
	 (array_agg(f.revision ORDER BY f.mode DESC, f.n))[1] AS revision FROM fact f WHERE f.kind = 'lock' GROUP BY f.object),
	held AS MATERIALIZED (SELECT l.pid, l.virtualtransaction, w.name, w.revision,
	 format('%s%s on %s, %s needs %s', CASE WHEN l.granted THEN '' ELSE 'waits for ' END, h.name, w.name, w.revision, n.name) AS lock,
	 h.mode, bool_or(x.indexrelid IS NULL) OVER (PARTITION BY l.pid, l.virtualtransaction, coalesce(x.indrelid, w.object)) AND x.indexrelid IS NOT NULL
	  OR row_number() OVER (PARTITION BY l.pid, l.virtualtransaction, w.object ORDER BY h.mode DESC, l.granted DESC) > 1 AS implied
	FROM pg_locks l JOIN me ON me.db = l.database JOIN wanted w ON w.object = l.relation JOIN modes h ON h.lock = l.mode
	JOIN modes n ON n.mode = w.mode LEFT JOIN pg_index x ON x.indexrelid = w.object
	WHERE l.locktype = 'relation' AND (w.conflicts >> h.mode) & 1 = 1 AND l.pid IS DISTINCT FROM pg_backend_pid()),
	-- without weaker locks on the same relation, and without the indexes of tables that are locked, too
	held_text AS MATERIALIZED (SELECT h.pid, h.virtualtransaction, string_agg(h.lock, '; ' ORDER BY h.n) FILTER (WHERE h.n <= 3)
	  || CASE WHEN count(*) > 3 THEN format('; and %s more', count(*) - 3) ELSE '' END AS locks, string_agg(DISTINCT h.name, ', ') AS names
	FROM (SELECT i.*, row_number() OVER (PARTITION BY i.pid, i.virtualtransaction ORDER BY i.mode DESC, i.name) AS n FROM held i WHERE NOT i.implied) h
	GROUP BY h.pid, h.virtualtransaction),
	-- the sessions; those of other roles show their state only with pg_read_all_stats
	session AS MATERIALIZED (SELECT h.*, a.state, a.query IS NOT DISTINCT FROM '<insufficient privilege>' AS hidden,
	 a.query LIKE 'autovacuum:%(to prevent wraparound)' AS wraparound, a.backend_type = 'autovacuum worker' AS vacuums,
	 row_number() OVER (ORDER BY a.xact_start, h.pid) AS n, $2 - a.xact_start AS age, nullif(a.application_name, '') AS application, a.usename AS role
	FROM held_text h JOIN pg_stat_activity a ON a.pid = h.pid WHERE a.leader_pid IS NULL),

	-- what takes time: one row for each statement and each relation with rows
	job AS MATERIALIZED (SELECT DISTINCT ON (f.revision, f.statement, f.object) f.*, t.relpersistence = 'p' AS logged,
	 format('%s%s', CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END, quote_ident(t.relname)) AS relation,
	 -- an index: the columns' average widths, 16 bytes for each row, and some free space
	 CASE WHEN f.rows < 0 THEN f.bytes * 0.3 ELSE f.rows * 1.1 * (16 + (SELECT coalesce(sum(coalesce(s.avg_width, nullif(a.attlen, -1), 32)), 32)
	  FROM unnest(f.columns) c (name) LEFT JOIN pg_attribute a ON a.attrelid = f.object AND a.attname = c.name AND NOT a.attisdropped
	  LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = c.name AND NOT s.inherited)) END AS estimate
	FROM fact f JOIN pg_class t ON t.oid = f.object JOIN pg_namespace n ON n.oid = t.relnamespace WHERE f.kind = 'work' AND f.detail <> 'expand' AND f.bytes <> 0
	ORDER BY f.revision, f.statement, f.object, array_position(ARRAY['rewrite', 'index', 'reindex', 'backfill', 'update', 'scan'], f.detail)),
	rate AS MATERIALIZED (SELECT sum(b.rows) / nullif(extract(epoch FROM sum(b.active)), 0) AS rows FROM cmig.backfill_progress b WHERE b.rows > 0),
	cost AS MATERIALIZED (SELECT j.*, d.disk, CASE WHEN NOT j.logged THEN 0 WHEN j.detail IN ('update', 'backfill') THEN d.disk + j.bytes ELSE d.disk END AS wal,
	 coalesce(CASE WHEN j.detail = 'backfill' AND j.rows > 0 THEN j.rows / rate.rows END,
	  (j.bytes + 2 * d.disk) / 104857600.0) AS seconds, j.detail = 'backfill' AND j.rows > 0 AND rate.rows > 0 AS measured,
	 CASE j.detail WHEN 'rewrite' THEN 'rewrites ' WHEN 'scan' THEN 'scans ' WHEN 'index' THEN 'indexes ' WHEN 'reindex' THEN 'indexes '
	  WHEN 'backfill' THEN 'fills ' ELSE 'updates ' END || j.relation AS does
	FROM job j CROSS JOIN rate CROSS JOIN LATERAL (SELECT CASE j.detail WHEN 'rewrite' THEN j.bytes + j.indexes WHEN 'index' THEN j.estimate::bigint
	 WHEN 'reindex' THEN j.indexes WHEN 'scan' THEN 0 ELSE j.bytes + j.indexes END AS disk) d WHERE j.bytes > 0),
	total AS MATERIALIZED (SELECT c.revision, c.does, sum(c.seconds) AS seconds, sum(c.disk) AS disk, bool_and(c.measured) AS measured,
	 row_number() OVER (ORDER BY sum(c.seconds) DESC, c.revision, c.does) AS n FROM cost c GROUP BY c.revision, c.does),

	-- changes of tables that publications publish, by themselves or through a parent, a schema, or all tables
	published AS MATERIALIZED (SELECT f.n, f.place, f.object, f.detail, f.name, p.pubname, p.pubupdate OR p.pubdelete AS old_rows,
	 p.pubinsert OR p.pubupdate AS new_rows, format('%s%s', CASE s.nspname WHEN 'public' THEN '' ELSE quote_ident(s.nspname) || '.' END, quote_ident(t.relname)) AS relation,
	 -- is the change the loss of the index that identifies rows? not if another key was set before, or is committed with it
	 f.detail = 'REPLICA IDENTITY NOTHING' OR NOT EXISTS (SELECT FROM fact g LEFT JOIN fact o ON o.kind = 'step' AND o.revision = g.revision
	  WHERE g.kind = 'change' AND g.object = f.object AND (g.detail = 'REPLICA IDENTITY' OR g.detail = 'ADD PRIMARY KEY' AND t.relreplident = 'd')
	  AND CASE WHEN g.revision = f.revision AND (g.n > f.n AND o.detail IS NULL OR g.statement = f.statement) THEN true
	   ELSE g.n < f.n AND (g.detail = 'REPLICA IDENTITY' OR f.detail = 'DROP COLUMN') END) AND EXISTS (SELECT FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
	  WHERE x.indrelid = t.oid AND CASE t.relreplident WHEN 'd' THEN x.indisprimary WHEN 'i' THEN x.indisreplident END
	  AND (f.detail IN ('DROP CONSTRAINT', 'DROP INDEX') AND i.relname = f.name
	   OR f.detail = 'DROP COLUMN' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = f.name AND a.attnum = ANY (x.indkey)))) AS loses,
	 EXISTS (SELECT FROM fact g WHERE g.kind = 'change' AND g.object = f.object AND g.n > f.n AND g.detail IN ('ADD PRIMARY KEY', 'REPLICA IDENTITY')) AS replaced
	FROM fact f JOIN pg_class t ON t.oid = f.object AND t.relkind IN ('r', 'p') AND t.relpersistence = 'p' JOIN pg_namespace s ON s.oid = t.relnamespace
	JOIN pg_publication p ON p.puballtables
	 OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND (r.prrelid = t.oid OR r.prrelid IN (SELECT a.relid FROM pg_partition_ancestors(t.oid) a)))
	 OR EXISTS (SELECT FROM pg_publication_namespace m WHERE m.pnpubid = p.oid AND m.pnnspid = t.relnamespace)
	WHERE f.kind = 'change'),

	-- what the caller needs, with the owner
	needs AS MATERIALIZED (SELECT DISTINCT ON (f.class, f.object, f.detail, f.role) f.place, f.class, f.object, f.detail, f.n, f.role AS by, f.as_role AS role, o.owner, o.name, o.schema_owner
	FROM fact f CROSS JOIN me CROSS JOIN LATERAL (
	 SELECT t.relowner, t.oid::regclass::text, s.nspowner FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
	 WHERE f.class = 'pg_class'::regclass AND t.oid = f.object
	 UNION ALL SELECT coalesce((SELECT d.refobjid FROM pg_shdepend d WHERE d.dbid IN (me.db, 0) AND d.classid = f.class AND d.objid = f.object
	  AND d.objsubid = 0 AND d.deptype = 'o'), 10), i.type || ' ' || i.identity, (SELECT s.nspowner FROM pg_namespace s WHERE s.nspname = i.schema)
	 FROM pg_identify_object(f.class, f.object, 0) i WHERE f.class <> 'pg_class'::regclass AND i.identity IS NOT NULL) o (owner, name, schema_owner)
	WHERE f.kind = 'need' ORDER BY f.class, f.object, f.detail, f.role, f.n),
	denied AS MATERIALIZED (SELECT n.*, CASE WHEN n.detail IN ('MEMBER', 'ADMIN') THEN quote_ident(pg_get_userbyid(n.object))
	  WHEN n.detail IN ('OWNER', 'DROP', 'GRANT') THEN quote_ident(pg_get_userbyid(n.owner)) END AS member,
	 -- a member that does not inherit
	 n.detail IN ('OWNER', 'DROP', 'GRANT') AND pg_has_role(n.by, n.owner, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS sets
	FROM needs n WHERE NOT CASE
	  -- since version 16, a member can lack the right to SET ROLE
	  WHEN n.detail = 'MEMBER' THEN pg_has_role(n.by, n.object, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
	  WHEN n.detail = 'ADMIN' THEN pg_has_role(n.by, n.object, 'MEMBER WITH ADMIN OPTION')
	   OR current_setting('server_version_num')::integer < 160000 AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = n.by AND r.rolcreaterole)
	  WHEN n.detail IN ('OWNER', 'DROP', 'GRANT') THEN pg_has_role(n.by, n.owner, 'USAGE')
	   OR n.detail = 'DROP' AND coalesce(pg_has_role(n.by, n.schema_owner, 'USAGE'), false)
	   OR n.detail = 'GRANT' AND CASE n.class WHEN 'pg_class'::regclass THEN has_table_privilege(n.by, n.object, 'SELECT WITH GRANT OPTION, INSERT WITH GRANT OPTION, UPDATE WITH GRANT OPTION, DELETE WITH GRANT OPTION')
	    WHEN 'pg_namespace'::regclass THEN has_schema_privilege(n.by, n.object, 'USAGE WITH GRANT OPTION, CREATE WITH GRANT OPTION')
	    WHEN 'pg_proc'::regclass THEN has_function_privilege(n.by, n.object, 'EXECUTE WITH GRANT OPTION') ELSE false END
	  WHEN n.class = 'pg_namespace'::regclass THEN has_schema_privilege(n.by, n.object, n.detail)
	  WHEN n.class = 'pg_proc'::regclass THEN EXISTS (SELECT FROM pg_proc p JOIN pg_proc o USING (proname, pronamespace) WHERE p.oid = n.object AND has_function_privilege(n.by, o.oid, n.detail))
	  WHEN n.class = 'pg_database'::regclass THEN has_database_privilege(n.by, n.object, n.detail)
	  WHEN n.detail IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') THEN has_any_column_privilege(n.by, n.object, n.detail)
	  ELSE has_table_privilege(n.by, n.object, n.detail) END),

	-- replication: how many bytes of WAL each slot and standby is behind
	wal AS MATERIALIZED (SELECT CASE WHEN me.standby THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS place,
	 (SELECT coalesce(sum(c.wal), 0)::bigint FROM cost c) AS bytes FROM me),
	slot AS MATERIALIZED (SELECT s.slot_name, s.active, s.wal_status, pg_wal_lsn_diff(wal.place, s.restart_lsn) AS behind
	FROM pg_replication_slots s CROSS JOIN wal WHERE NOT s.temporary),
	standby AS MATERIALIZED (SELECT coalesce(nullif(r.application_name, ''), r.pid::text) AS name, r.state, r.sync_state, r.replay_lag,
	 pg_wal_lsn_diff(wal.place, r.replay_lsn) AS behind FROM pg_stat_replication r CROSS JOIN wal),
	space AS MATERIALIZED (SELECT f.object, f.bytes FROM fact f WHERE f.kind = 'free'),

	result (n, item, severity, value, hint) AS (
	SELECT 0, 'plan', 'notice', CASE WHEN s.steps = 0 THEN 'nothing to upgrade' ELSE format('%s revision%s%s, locks on %s relation%s', s.steps,
	  CASE s.steps WHEN 1 THEN '' ELSE 's' END, CASE WHEN s.stepwise > 0 THEN format(' (%s not transactional)', s.stepwise) ELSE '' END,
	  (SELECT count(*) FROM wanted), CASE (SELECT count(*) FROM wanted) WHEN 1 THEN '' ELSE 's' END) END,
	 CASE WHEN s.steps > 0 THEN format('`SELECT * FROM cmig.plan(''upgrade'', %s)`', me.target) END
	FROM me, (SELECT count(*) AS steps, count(f.detail) AS stepwise FROM fact f WHERE f.kind = 'step') s
	UNION ALL SELECT 1, 'standby', 'warning', 'this server is a standby: sessions, replication, and disks of the primary are not known here', 'Run this on the primary'
	 FROM me WHERE me.standby
	UNION ALL SELECT 2, 'not visible', 'notice', 'sessions of other roles, lag of standbys, free disk space', me.see FROM me WHERE NOT me.sees
	UNION ALL SELECT 3, 'expand', 'notice', format('cmig.expand can prepare %s beside the running application', string_agg(f.revision, ', ' ORDER BY f.n)),
	 format('`CALL cmig.expand(%s)`', max(me.target)) FROM fact f, me WHERE f.kind = 'expand' AND NOT EXISTS (SELECT FROM fact x WHERE x.kind = 'expansion') HAVING count(*) > 0
	UNION ALL SELECT 4, 'expanded', CASE WHEN x.detail IN ('expanded', 'contracting') THEN 'notice' ELSE 'error' END, format('%s is %s: an upgrade to it changes nothing, and others of its branch are refused', x.name, x.detail),
	 CASE x.detail WHEN 'expanding' THEN format('`CALL cmig.expand(%L)` -- or, to undo it: `CALL cmig.abandon()`', x.name)
	  ELSE 'When no old build runs: `CALL cmig.contract()` -- or, to undo it: `CALL cmig.abandon()`' END FROM fact x WHERE x.kind = 'expansion'
	-- what cmig.expand itself needs
	UNION ALL (SELECT 5, 'expand', 'warning', concat_ws(' ', f.name, f.detail), format('`CALL cmig.expand(%s, confirm => true)` -- if it does no harm while the table has hidden columns', me.target)
	 FROM fact f, me WHERE f.kind = 'reader' ORDER BY f.n LIMIT 20)
	UNION ALL SELECT 5, 'expand', 'warning', format('and %s more, which cmig.expand lists', count(*) - 20), NULL FROM fact f WHERE f.kind = 'reader' HAVING count(*) > 20
	UNION ALL SELECT 5, 'expand', 'notice', 'statements of the builds were not searched: ' || f.detail, NULL FROM fact f WHERE f.kind = 'unseen'
	UNION ALL SELECT DISTINCT 6, 'publication ' || quote_ident(p.pubname), 'warning', format('cmig.expand needs a list of columns for %s', t.oid::regclass), format('`CALL cmig.expand(%s)` -- shows the statements', me.target)
	 FROM me, fact f JOIN pg_class t ON t.oid = f.object JOIN pg_publication p ON p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = t.oid AND r.prattrs IS NULL)
	  OR EXISTS (SELECT FROM pg_publication_namespace m WHERE m.pnpubid = p.oid AND m.pnnspid = t.relnamespace)
	 WHERE f.kind = 'work' AND f.detail = 'expand' AND NOT EXISTS (SELECT FROM fact x WHERE x.kind = 'expansion')
	UNION ALL SELECT 7, 'expand', CASE WHEN d.disk > s.bytes THEN 'error' WHEN d.disk > s.bytes / 2 THEN 'warning' ELSE 'notice' END,
	 format('fills hidden columns of %s: up to %s more in tablespace %s until vacuum%s', d.what, pg_size_pretty(d.disk), quote_ident(t.spcname), ', free: ' || pg_size_pretty(s.bytes)), NULL
	 FROM (SELECT w.class, string_agg(w.object::regclass::text, ', ' ORDER BY w.object::regclass::text) AS what, sum(w.bytes + w.indexes)::bigint AS disk
	  FROM (SELECT DISTINCT f.class, f.object, f.bytes, f.indexes FROM fact f WHERE f.kind = 'work' AND f.detail = 'expand' AND f.bytes > 0) w GROUP BY w.class) d
	 JOIN pg_tablespace t ON t.oid = d.class LEFT JOIN space s ON s.object = d.class WHERE NOT EXISTS (SELECT FROM fact x WHERE x.kind = 'expansion')

	-- what would make the run fail or wait
	UNION ALL SELECT 10, 'script', CASE WHEN EXISTS (SELECT FROM fact u WHERE u.kind = 'unknown') THEN 'warning' ELSE 'error' END,
	 format('%s, %s', f.revision, f.detail), format('`SELECT * FROM cmig.dry_run(target => %s)`', me.target) FROM fact f, me WHERE f.kind = 'failure'
	UNION ALL SELECT 11, 'missing relation', 'warning', format('%s does not exist, %s needs it', f.short, f.revision), NULL FROM fact f WHERE f.kind = 'missing'
	UNION ALL SELECT 12, 'unknown locks', 'warning', format('%s runs code that cannot be analyzed: %s', f.revision, string_agg(f.name, ', ' ORDER BY f.n)),
	 format('`SELECT * FROM cmig.dry_run(target => %s)`', max(me.target)) FROM fact f, me WHERE f.kind = 'unknown' GROUP BY f.revision
	UNION ALL SELECT 13, 'lint', CASE WHEN f.bytes = 0 THEN 'notice' WHEN f.detail IS NULL THEN 'warning' ELSE 'error' END,
	 format('%s error%s, %s warning%s', f.bytes, CASE f.bytes WHEN 1 THEN '' ELSE 's' END, f.name, CASE f.name WHEN '1' THEN '' ELSE 's' END)
	  || CASE WHEN f.bytes > 0 AND f.detail IS NOT NULL THEN ': cmig.lint_policy stops the upgrade' ELSE '' END,
	 format('`SELECT * FROM cmig.lint(%s)`', me.target) FROM fact f, me WHERE f.kind = 'lint'
	UNION ALL SELECT 14, 'run', 'warning', format('process %s executes another run, for which this one would wait', f.bytes), '`SELECT * FROM cmig.status()`'
	 FROM fact f WHERE f.kind = 'run' AND f.bytes <> 0
	UNION ALL SELECT 14, 'run', 'error', format('the prepared transaction %L executes another run, for which this one would wait', p.gid), format('ROLLBACK PREPARED %L -- or COMMIT PREPARED', p.gid)
	 FROM fact f JOIN pg_prepared_xacts p ON p.transaction::text = f.detail WHERE f.kind = 'run'
	UNION ALL SELECT 15, 'partially applied', 'warning', 'a stepwise run was interrupted: ' || f.detail, '`SELECT * FROM cmig.status()`' FROM fact f WHERE f.kind = 'partial'
	UNION ALL SELECT 16, 'backfill', CASE WHEN w.object IS NULL THEN 'notice' ELSE 'warning' END,
	 format('the backfill of %s is %s, at %s percent', regexp_replace(b.target, '^public[.]', ''), b.state, b.percent) || coalesce(', and ' || w.revision || ' uses the table', ''),
	 'SELECT * FROM cmig.backfill_progress' FROM cmig.backfill_progress b JOIN cmig.backfill_run r ON r.id = b.id
	 LEFT JOIN (SELECT f.object, min(f.revision) AS revision FROM fact f WHERE f.kind IN ('lock', 'work') GROUP BY f.object) w ON w.object::text = split_part(split_part(r.target_id, ' ', 1), '/', 3)
	 WHERE b.state IN ('running', 'paused') OR b.state = 'interrupted' AND w.object IS NOT NULL
	UNION ALL SELECT 20, 'session ' || s.pid, CASE WHEN s.hidden THEN 'warning' WHEN s.wraparound THEN 'error' WHEN s.vacuums THEN 'notice'
	  WHEN s.age >= '1 hour' THEN 'error' ELSE 'warning' END,
	 concat(CASE WHEN s.hidden THEN 'state not visible' WHEN s.wraparound THEN 'autovacuum to prevent wraparound, which does not give way'
	   WHEN s.vacuums THEN 'autovacuum, which gives way' ELSE format('%s, transaction for %s', coalesce(s.state, 'background process'), to_char(make_interval(secs => extract(epoch FROM s.age)::float8), 'HH24:MI:SS')) END,
	  CASE WHEN s.vacuums THEN NULL ELSE ' (' || concat_ws(', ', 'role ' || quote_ident(s.role), s.application) || ')' END, ': ', s.locks),
	 CASE WHEN s.hidden THEN me.see WHEN s.wraparound THEN format('SELECT * FROM pg_stat_progress_vacuum WHERE pid = %s', s.pid) WHEN s.vacuums THEN NULL
	  WHEN s.state LIKE 'idle in%' THEN format('SELECT pg_terminate_backend(%s)', s.pid) ELSE format('SELECT pg_cancel_backend(%s)', s.pid) END
	 FROM session s, me WHERE s.vacuums OR s.n <= 20 AND (s.hidden OR s.age >= '5 s')
	UNION ALL SELECT 20, 'sessions', 'warning', format('and %s more, with newer transactions: %s', count(*), string_agg(DISTINCT s.names, '; ')), 'SELECT * FROM pg_stat_activity ORDER BY xact_start'
	 FROM session s WHERE NOT coalesce(s.vacuums, false) AND s.n > 20 AND (s.hidden OR s.age >= '5 s') HAVING count(*) > 0
	UNION ALL SELECT 21, 'sessions', 'notice', format('%s with a transaction of less than 5 s: %s', CASE count(*) WHEN 1 THEN '1 session' ELSE count(*) || ' sessions' END,
	  string_agg(DISTINCT s.names, ', ')), 'SELECT pid, relation::regclass, mode, state, query FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = ''relation'''
	 FROM session s WHERE NOT s.hidden AND NOT coalesce(s.vacuums, false) AND coalesce(s.age, '0') < '5 s' HAVING count(*) > 0
	UNION ALL SELECT 22, 'prepared transaction', 'error', format('%s of role %s, since %s: %s', quote_literal(p.gid), quote_ident(p.owner), date_trunc('second', p.prepared), h.locks),
	 format('ROLLBACK PREPARED %L -- or COMMIT PREPARED', p.gid) FROM held_text h
	 JOIN pg_locks l ON l.virtualtransaction = h.virtualtransaction AND l.pid IS NULL AND l.locktype = 'transactionid' AND l.granted
	 JOIN pg_prepared_xacts p ON p.transaction = l.transactionid WHERE h.pid IS NULL
	UNION ALL SELECT 23, 'autovacuum', 'warning', format('%s is %s transactions old, and at %s a vacuum starts that does not give way to %s', w.name, age(t.relfrozenxid), s.text, w.revision),
	 format('VACUUM %s', w.object::regclass) FROM wanted w JOIN pg_class t ON t.oid = w.object JOIN setting s ON s.name = 'autovacuum_freeze_max_age'
	 WHERE t.relkind IN ('r', 'm') AND (w.conflicts >> 4) & 1 = 1 AND age(t.relfrozenxid) > 0.9 * s.number AND age(t.relfrozenxid) < 2147483647

	-- replication
	UNION ALL SELECT 30, 'slot ' || quote_ident(s.slot_name), 'warning', CASE WHEN s.wal_status = 'lost' THEN 'lost: the server has removed WAL that it needs'
	  WHEN s.wal_status = 'unreserved' THEN 'is about to be lost: the next checkpoint can remove WAL that it needs'
	  ELSE format('%s, keeps %s of WAL', CASE WHEN s.active THEN 'active' ELSE 'not active' END, pg_size_pretty(s.behind)) END
	  || CASE WHEN wal.bytes > 1048576 AND s.wal_status <> 'lost' THEN format(', the plan writes about %s more', pg_size_pretty(wal.bytes)) ELSE '' END,
	 CASE WHEN NOT s.active THEN format('Start its reader, or, if there is none: SELECT pg_drop_replication_slot(%L)', s.slot_name) ELSE 'SELECT * FROM pg_stat_replication' END
	 FROM slot s, wal WHERE NOT s.active OR s.wal_status IN ('lost', 'unreserved') OR s.behind > 1073741824
	  OR s.behind + wal.bytes > (SELECT o.number FROM setting o WHERE o.name = 'max_slot_wal_keep_size' AND o.number > 0)
	UNION ALL SELECT 31, 'standby ' || quote_ident(s.name), CASE WHEN s.behind > 104857600 OR s.replay_lag > '10 s' THEN 'warning' ELSE 'notice' END,
	 concat_ws(', ', CASE WHEN s.state <> 'streaming' THEN s.state END, format('%s behind', pg_size_pretty(s.behind)), 'lag ' || to_char(s.replay_lag, 'HH24:MI:SS'))
	  || CASE WHEN EXISTS (SELECT FROM wanted w WHERE w.mode = 8) THEN '; ACCESS EXCLUSIVE locks cancel queries there' ELSE '' END,
	 CASE WHEN me.home IS NOT NULL AND (s.behind > 104857600 OR s.replay_lag > '10 s') THEN 'SELECT cmig.wait_for_replicas()' END FROM standby s, me WHERE me.sees AND s.behind IS NOT NULL
	UNION ALL SELECT 32, 'standbys', 'warning', format('%s connected, but their lag is not visible', count(*)), max(me.see) FROM standby s, me WHERE NOT me.sees HAVING count(*) > 0
	UNION ALL SELECT 33, 'synchronous standby', 'error', 'synchronous_standby_names is set, but no standby confirms: commits wait', 'SELECT * FROM pg_stat_replication'
	 FROM me WHERE me.sees AND NOT me.standby AND current_setting('synchronous_standby_names') <> '' AND current_setting('synchronous_commit') NOT IN ('off', 'local')
	 AND NOT EXISTS (SELECT FROM standby s WHERE s.sync_state IN ('sync', 'quorum'))
	UNION ALL SELECT 34, 'publication ' || string_agg(DISTINCT quote_ident(p.pubname), ', '), CASE WHEN p.loses AND NOT bool_or(p.replaced) AND bool_or(p.old_rows) THEN 'error' ELSE 'warning' END,
	 CASE WHEN p.loses AND bool_or(p.old_rows) THEN format('%s: %s, so UPDATE and DELETE of %s fail', max(p.place), concat_ws(' ', p.detail, quote_ident(p.one)), p.relation)
	   || CASE WHEN bool_or(p.replaced) THEN ' until the plan sets another key' ELSE '' END
	  WHEN p.detail = 'ADD COLUMN' THEN format('%s: %s to %s stops subscribers that lack the column', p.places, concat_ws(' ', p.detail, quote_ident(p.one)), p.relation)
	  WHEN p.detail = 'DROP TABLE' THEN format('%s: DROP TABLE %s ends its replication', p.places, p.relation)
	  ELSE format('%s: %s on %s is not replicated, and can stop subscribers', p.places, concat_ws(' ', p.detail, quote_ident(p.one)), p.relation) END,
	 CASE WHEN p.loses AND bool_or(p.old_rows) THEN format('ALTER TABLE %s REPLICA IDENTITY FULL', p.object::regclass) WHEN p.detail = 'ADD COLUMN' THEN 'First add the column in the subscribers' END
	 -- one row for each table and kind of change that does not lose the key
	 FROM (SELECT q.*, CASE WHEN q.loses OR count(*) OVER same = 1 THEN q.name END AS one, first_value(q.place) OVER (same ORDER BY q.n)
	   || CASE WHEN count(*) OVER same > 1 THEN format(', and %s more', count(*) OVER same - 1) ELSE '' END AS places, first_value(q.n) OVER (same ORDER BY q.n) AS first
	  FROM published q WHERE q.loses OR q.detail NOT IN ('ADD PRIMARY KEY', 'REPLICA IDENTITY', 'DROP CONSTRAINT', 'DROP INDEX')
	  WINDOW same AS (PARTITION BY q.object, q.detail, q.loses, q.pubname)) p
	 GROUP BY CASE WHEN p.loses THEN p.n ELSE p.first END, p.places, p.loses, p.detail, p.one, p.relation, p.object
	UNION ALL SELECT 35, 'subscription', 'warning', format('%s: %s of %s, which a subscription fills', f.place, concat_ws(' ', f.detail, quote_ident(f.name)), f.object::regclass), NULL
	 FROM fact f WHERE f.kind = 'change' AND f.detail IN ('ADD COLUMN', 'DROP COLUMN', 'ALTER TYPE', 'RENAME TO', 'SET SCHEMA', 'DROP TABLE')
	 AND EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = f.object)

	-- disk, WAL, and time
	UNION ALL SELECT 40, 'disk ' || quote_ident(t.spcname), CASE WHEN d.disk > s.bytes THEN 'error' WHEN d.disk > s.bytes / 2 THEN 'warning' ELSE 'notice' END,
	 format('about %s more for %s, free: %s', pg_size_pretty(d.disk), d.what, coalesce(pg_size_pretty(s.bytes), CASE WHEN me.sees THEN 'not known' ELSE 'not visible' END)),
	 CASE WHEN s.bytes IS NULL AND NOT me.sees THEN me.see END
	 FROM (SELECT c.class, sum(c.disk)::bigint AS disk, string_agg(DISTINCT c.relation, ', ') AS what FROM cost c WHERE c.disk > 0 GROUP BY c.class) d
	 JOIN pg_tablespace t ON t.oid = d.class LEFT JOIN space s ON s.object = d.class CROSS JOIN me
	UNION ALL SELECT 41, 'WAL', CASE WHEN wal.bytes > s.bytes THEN 'warning' ELSE 'notice' END,
	 format('about %s (wal_level is %s), free: %s', pg_size_pretty(wal.bytes), current_setting('wal_level'),
	  coalesce(pg_size_pretty(s.bytes), CASE WHEN me.sees THEN 'not known' ELSE 'not visible' END)), CASE WHEN s.bytes IS NULL AND NOT me.sees THEN me.see END
	 FROM wal CROSS JOIN me LEFT JOIN space s ON s.object = 0 WHERE wal.bytes > 0
	UNION ALL SELECT 42, 'time', 'notice', format('%s: %s%s', CASE WHEN sum(t.seconds) < 1 THEN 'less than 1 s' ELSE 'about ' || to_char(make_interval(secs => round(least(sum(t.seconds), 1e9))), 'HH24:MI:SS') END,
	  string_agg(concat_ws(' ', t.revision, t.does, CASE WHEN t.seconds >= 1 THEN to_char(make_interval(secs => round(least(t.seconds, 1e9))), 'HH24:MI:SS') END), ', ' ORDER BY t.n) FILTER (WHERE t.n <= 3)
	   || CASE WHEN count(*) > 3 THEN format(', and %s more', count(*) - 3) ELSE '' END,
	  CASE WHEN bool_and(t.measured) THEN ' (estimate, at the rate of past backfills)' WHEN bool_or(t.measured) THEN ' (estimate, at 100 MB/s and the rate of past backfills)'
	   ELSE ' (estimate, at 100 MB/s)' END), NULL FROM total t HAVING count(*) > 0
	UNION ALL (SELECT 43, 'time of past runs', 'notice', format('%s: %s took up to %s here (journal, %s)', j.revision,
	  CASE WHEN bool_or(r.revision = j.revision) THEN 'it' ELSE 'revisions with ' || min(k.words) END, to_char(max(l.elapsed), 'HH24:MI:SS.MS'),
	  CASE count(DISTINCT l.elapsed) WHEN 1 THEN '1 run' ELSE count(DISTINCT l.elapsed) || ' runs' END), NULL
	 FROM (SELECT DISTINCT c.revision, c.detail, p.upgrade_sql FROM cost c JOIN cmig.revision p ON p.revision = c.revision) j
	 JOIN (VALUES ('index', 'CREATE INDEX', E'\\mCREATE\\s+(UNIQUE\\s+)?INDEX\\M'), ('reindex', 'REINDEX', E'\\mREINDEX\\M'), ('rewrite', 'ALTER TABLE', E'\\mALTER\\s+TABLE\\M'),
	  ('scan', 'ALTER TABLE', E'\\mALTER\\s+TABLE\\M'), ('update', 'UPDATE', E'\\mUPDATE\\M'), ('backfill', 'cmig.backfill', E'\\mcmig\\.backfill\\M')) k (detail, words, pattern)
	  ON k.detail = j.detail AND j.upgrade_sql ~* k.pattern
	 JOIN cmig.revision r ON r.upgrade_sql ~* k.pattern AND (r.revision = j.revision OR NOT EXISTS (SELECT FROM cmig.journal o WHERE o.revision = j.revision
	  AND o.direction = 'upgrade' AND o.outcome = 'done' AND o.elapsed IS NOT NULL))
	 JOIN cmig.journal l ON l.revision = r.revision AND l.direction = 'upgrade' AND l.outcome = 'done' AND l.elapsed IS NOT NULL
	 GROUP BY j.revision, CASE WHEN r.revision <> j.revision THEN k.words END ORDER BY max(l.elapsed) DESC, j.revision, min(k.words) LIMIT 5)

	-- settings
	UNION ALL SELECT 50, 'lock_timeout', 'warning', 'not set: waits for locks without limit in ' || string_agg(f.place, '; ' ORDER BY f.n) FILTER (WHERE f.i <= 3)
	  || CASE WHEN count(*) > 3 THEN format('; and %s more revisions', count(*) - 3) ELSE '' END,
	 E'`SET cmig.lock_timeout = ''5s''`\n' || CASE WHEN (SELECT me.home FROM me) IS NULL THEN E'# for all runs, in cmig.conf:\nlock_timeout = 5s' ELSE 'SELECT cmig.set_option(''cmig.lock_timeout'', ''5s'') -- for all runs' END
	 FROM (SELECT (array_agg(g.place ORDER BY g.n))[1] AS place, min(g.n) AS n, row_number() OVER (ORDER BY min(g.n)) AS i FROM fact g WHERE g.kind = 'no timeout' GROUP BY g.revision) f HAVING count(*) > 0
	UNION ALL SELECT 51, 'statement_timeout', 'warning', format('%s, but %s %s for about %s (estimate)', s.text, t.revision, t.does, to_char(make_interval(secs => round(least(t.seconds, 1e9))), 'HH24:MI:SS')),
	 'SET statement_timeout = 0' FROM total t, setting s WHERE t.n = 1 AND s.name = 'statement_timeout' AND s.number > 0 AND t.seconds * 1000 > s.number
	UNION ALL SELECT 52, 'max_locks_per_transaction', CASE WHEN l.locks > l.room THEN 'error' ELSE 'warning' END,
	 format('%s: the plan locks at least %s objects, the server has room for %s', l.text, l.locks, l.room), format('ALTER SYSTEM SET max_locks_per_transaction = %s -- needs a restart', ceil(l.locks * 2 / l.slots))
	 FROM (SELECT (SELECT count(*) FROM wanted) + 5 * (SELECT count(*) FROM fact f WHERE f.kind = 'need' AND f.detail = 'CREATE') AS locks, m.text, m.number * s.slots AS room, s.slots
	  FROM setting m, (SELECT sum(o.number) AS slots FROM setting o WHERE o.name IN ('max_connections', 'max_prepared_transactions')) s WHERE m.name = 'max_locks_per_transaction') l
	 WHERE l.locks > l.room / 2
	UNION ALL SELECT 53, 'maintenance_work_mem', 'notice', format('%s, but %s builds an index of about %s', s.text, c.revision, pg_size_pretty(c.disk)), 'SET maintenance_work_mem = ''1GB'''
	 FROM setting s, (SELECT c.revision, c.disk FROM cost c WHERE c.detail IN ('index', 'reindex') ORDER BY c.disk DESC LIMIT 1) c WHERE s.name = 'maintenance_work_mem' AND c.disk > s.number AND s.number < 1073741824
	UNION ALL SELECT 54, 'wal_level', 'warning', format('%s, so nothing can subscribe to the publication %s of %s', current_setting('wal_level'), quote_ident(f.name), f.place),
	 'ALTER SYSTEM SET wal_level = logical -- needs a restart' FROM fact f WHERE f.kind = 'logical' AND current_setting('wal_level') <> 'logical'

	-- privileges
	UNION ALL SELECT 60, 'privilege', 'error', CASE WHEN d.detail IN ('MEMBER', 'ADMIN') THEN format('%s: role %s is not a member of %s%s', d.place, d.role, d.member,
	   CASE d.detail WHEN 'ADMIN' THEN ' with ADMIN OPTION' ELSE '' END)
	  WHEN d.sets THEN format('%s: %s belongs to %s, whose privileges role %s does not inherit', d.place, d.name, d.member, d.role)
	  WHEN d.member IS NOT NULL THEN format('%s: %s belongs to %s, of which role %s is not a member', d.place, d.name, d.member, d.role)
	  ELSE format('%s: role %s lacks %s on %s', d.place, d.role, d.detail, d.name) END,
	 CASE WHEN d.sets AND NOT o.rolsuper THEN CASE d.by::name WHEN current_user THEN format('`SET cmig.role = %L`', o.rolname) ELSE format('SET ROLE %s -- in the revision, before the statement', d.member) END
	  WHEN d.member IS NOT NULL AND coalesce(o.rolsuper, true) THEN CASE WHEN d.class = 'pg_class'::regclass THEN format('ALTER TABLE %s OWNER TO %s', d.object::regclass, d.role) END
	  WHEN d.member IS NOT NULL THEN format('GRANT %s TO %s%s', d.member, d.role, CASE d.detail WHEN 'ADMIN' THEN ' WITH ADMIN OPTION' ELSE '' END)
	  WHEN d.class = 'pg_class'::regclass THEN format('GRANT %s ON %s TO %s', d.detail, d.object::regclass, d.role)
	  ELSE format('GRANT %s ON %s TO %s', d.detail, d.name, d.role) END
	 FROM denied d LEFT JOIN pg_roles o ON o.oid = CASE WHEN d.detail IN ('MEMBER', 'ADMIN') THEN d.object ELSE d.owner END
	UNION ALL SELECT 61, 'privilege', 'error', format('%s: role %s lacks the attribute %s', f.place, f.as_role, f.detail), CASE f.detail WHEN 'SUPERUSER' THEN NULL ELSE format('ALTER ROLE %s %s', f.as_role, f.detail) END
	 FROM fact f JOIN pg_roles r ON r.rolname = f.role WHERE f.kind = 'attribute' AND NOT r.rolsuper AND NOT (f.detail = 'CREATEROLE' AND r.rolcreaterole)
	UNION ALL SELECT 62, 'extension ' || quote_ident(f.name), 'error', CASE WHEN v.found THEN format('%s: only %s can create it', f.place, CASE WHEN v.trusted THEN 'a role with CREATE on the database' ELSE 'a superuser' END)
	  ELSE format('%s: not available on this server', f.place) END,
	 CASE WHEN NOT v.found THEN format('SELECT * FROM pg_available_extensions WHERE name = %L', f.name)
	  WHEN v.trusted THEN format('GRANT CREATE ON DATABASE %I TO %s', current_database(), f.as_role) ELSE format('CREATE EXTENSION %I -- as a superuser', f.name) END
	 FROM fact f JOIN pg_roles r ON r.rolname = f.role CROSS JOIN me CROSS JOIN LATERAL (SELECT count(*) > 0 AS found, bool_or(x.trusted) AS trusted, bool_and(x.superuser) AS super FROM pg_available_extension_versions x WHERE x.name = f.name) v
	 WHERE f.kind = 'extension' AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = f.name)
	 AND (NOT v.found OR NOT r.rolsuper AND v.super AND NOT (v.trusted AND has_database_privilege(r.oid, me.db, 'CREATE')))
	UNION ALL SELECT 63, 'privilege', 'error', format('role %s cannot call cmig.upgrade', me.role), format('SELECT * FROM cmig.grant_access(%L, ''migrator'')', current_user)
	 FROM me WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = me.home AND p.proname = 'upgrade' AND has_function_privilege(p.oid, 'EXECUTE')) AND me.home IS NOT NULL
	UNION ALL SELECT 64, 'privilege', 'notice', format('%s changes to a role that does not exist yet: the privileges after it were not checked', string_agg(DISTINCT f.place, ', ')), NULL FROM fact f WHERE f.kind = 'role' HAVING count(*) > 0
	UNION ALL SELECT 65, 'extension pg_cmig', 'warning', format('the library and the extension of role %s have different versions', quote_ident(pg_get_userbyid(e.extowner))), f.detail
	 FROM fact f, pg_extension e WHERE f.kind = 'library' AND f.detail IS NOT NULL AND e.extname = 'pg_cmig'
	UNION ALL SELECT 66, 'extension pg_cmig', 'warning', format('not members of the extension: %s', string_agg(o.name, ', ' ORDER BY o.name)), '`SELECT * FROM cmig.check()`'
	 FROM (SELECT p.oid::regprocedure::text FROM pg_proc p JOIN me ON p.pronamespace = me.home WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	  UNION ALL SELECT t.oid::regclass::text FROM pg_class t JOIN me ON t.relnamespace = me.home WHERE t.relkind IN ('r', 'v', 'm', 'p', 'f')
	   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')) o (name) HAVING count(*) > 0
	UNION ALL SELECT 67, 'extension pg_cmig', 'warning', format('%s belongs to role %s, and the extension to role %s', t.oid::regclass, quote_ident(pg_get_userbyid(t.relowner)), quote_ident(pg_get_userbyid(e.extowner))),
	 format('ALTER TABLE %s OWNER TO %I', t.oid::regclass, pg_get_userbyid(e.extowner))
	 FROM pg_extension e CROSS JOIN me JOIN pg_class t ON t.relnamespace = me.home AND t.relkind IN ('r', 'v', 'p') AND t.relowner NOT IN (e.extowner, 10) WHERE e.extname = 'pg_cmig'

	-- the nodes of Citus
	UNION ALL SELECT 70, f.name, f.columns[1], f.detail, f.columns[2] FROM fact f WHERE f.kind = 'node')
	SELECT r.item, r.severity, r.value, r.hint FROM result r
	ORDER BY array_position(ARRAY['error', 'warning', 'notice'], r.severity), r.n, r.item, r.value
$preflight$;
COMMENT ON FUNCTION cmig.preflight(text) IS 'Returns what could stop an upgrade to the target now, or make it stop others: sessions and prepared transactions with locks that conflict, replication, disk, WAL, and time, settings, and privileges. Executes nothing. Works on a standby for what can be known there. Raises an error if the target is not valid (MG001 to MG004, 22023) or the graph is broken (MG005).';
COMMENT ON FUNCTION cmig.preflight_rows(jsonb, timestamptz) IS 'Compares facts about a plan with the state of the server. Called by cmig.preflight only, with the facts and the current time.';

CREATE FUNCTION cmig.lint(target text DEFAULT 'heads', facts boolean DEFAULT true,
	probe boolean DEFAULT false, max_table_size bigint DEFAULT 104857600,
	rehearse boolean DEFAULT false,
	OUT revision text, OUT statement integer, OUT line integer, OUT rule text,
	OUT severity text, OUT message text, OUT safe_rewrite text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_lint_1_2'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.lint_sql(script text DEFAULT NULL, transactional boolean DEFAULT true,
	facts boolean DEFAULT true,
	OUT statement integer, OUT line integer, OUT rule text,
	OUT severity text, OUT message text, OUT safe_rewrite text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_lint_sql'
LANGUAGE C STABLE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.lint(text, boolean, boolean, bigint, boolean) IS 'Returns what the statements of pending revisions would lock, rewrite, scan, break, or lose, based on their text and the existing tables. With facts => false, ignores the existing tables, and says which rules needed them. With probe => true, reads the rows of tables of at most max_table_size bytes, and returns which constraints they violate. With rehearse => true, also runs the statements as the current role on empty copies of the tables and other objects, rolls everything back, and returns what fails, is dropped, or becomes weaker. Otherwise, executes nothing. Raises an error if the target is not valid (MG001 to MG004, 22023), the graph is broken (MG005), or facts => false is specified together with probe => true or rehearse => true (22023).';
COMMENT ON FUNCTION cmig.lint_sql(text, boolean, boolean) IS 'Does the same as lint, for one script. With facts => false, ignores the existing tables, as in an empty database. Raises an error if the script is null (22004).';

CREATE FUNCTION cmig.workload_check(target text DEFAULT 'head', queries text[] DEFAULT NULL, workload text DEFAULT NULL, stats jsonb DEFAULT NULL,
	OUT query_id bigint, OUT calls bigint, OUT query text, OUT verdict text,
	OUT sqlstate text, OUT detail text, OUT cost_before double precision, OUT cost_after double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_workload_check'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.workload_save(name text)
RETURNS bigint
AS 'MODULE_PATHNAME', 'cmig_workload_save'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.stats_export(with_values boolean DEFAULT false,
	OUT schema text, OUT relation text, OUT column_name text, OUT pages integer, OUT tuples real, OUT visible_pages integer,
	OUT inherited boolean, OUT null_frac real, OUT avg_width integer, OUT n_distinct real, OUT correlation real,
	OUT most_common_vals text, OUT most_common_freqs real[], OUT histogram_bounds text,
	OUT most_common_elems text, OUT most_common_elem_freqs real[], OUT elem_count_histogram real[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
	SET datestyle = 'ISO' SET intervalstyle = iso_8601 SET extra_float_digits = 1 SET bytea_output = hex
AS $$
	SELECT n.nspname::text, c.relname::text, NULL::name::text, c.relpages, c.reltuples, c.relallvisible, NULL::boolean, NULL::real, NULL::integer, NULL::real, NULL::real,
	 NULL::text, NULL::real[], NULL::text, NULL::text, NULL::real[], NULL::real[]
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't' AND c.reltuples >= 0 AND n.nspname !~ '^(pg_.*|information_schema|cmig|cmig_audit)$'
	UNION ALL
	-- pg_stats has only columns of which the caller can read all rows, but knows nothing about the table of an index
	SELECT s.schemaname::text, s.tablename::text, s.attname::text, NULL, NULL, NULL, s.inherited, s.null_frac, s.avg_width, s.n_distinct, s.correlation,
	 CASE WHEN f.shown THEN s.most_common_vals::text END, CASE WHEN f.shown THEN s.most_common_freqs END, CASE WHEN f.shown THEN s.histogram_bounds::text END,
	 CASE WHEN f.shown THEN s.most_common_elems::text END, CASE WHEN f.shown THEN s.most_common_elem_freqs END, CASE WHEN f.shown THEN s.elem_count_histogram END
	FROM pg_stats s
	CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
	 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_index i ON i.indexrelid = c.oid
	 WHERE with_values AND n.nspname = s.schemaname AND t.oid < 16384 AND t.typname !~ '^_?(reg.*|aclitem|money)$'
	 AND (i.indrelid IS NULL OR NOT row_security_active(i.indrelid) AND has_table_privilege(i.indrelid, 'SELECT'))) AS shown) f
	WHERE s.schemaname !~ '^(pg_.*|information_schema|cmig|cmig_audit)$'
	ORDER BY 1, 2, 3 NULLS FIRST, 7
$$;

COMMENT ON FUNCTION cmig.workload_check(text, text[], text, jsonb) IS 'Returns which queries break, return other columns, or get slower or faster when the pending revisions have run. The queries are the given ones, those that cmig.workload_save has saved under a name, or those of this database in pg_stat_statements and in the bodies of SQL functions. Runs the revisions as the current role on empty copies of the tables and other objects, plans the queries before and after with the sizes and statistics of the tables, or with those that cmig.stats_export has returned in another database, and rolls everything back. Executes no query, and calls no function that a user has defined to plan one. Raises an error if the target is not valid (MG001 to MG004, 22023), the graph is broken (MG005), a query is null (22004), a workload does not exist (42704) or is specified together with queries (22023), or none of both is and pg_stat_statements cannot be read (55000, 42501).';
COMMENT ON FUNCTION cmig.stats_export(boolean) IS 'Returns the sizes of tables and indexes, and the statistics of the columns that the caller can read, for cmig.workload_check in another database. With with_values => true, also the most common values and histograms of tables that the caller can read, which are values of the columns; otherwise, there are no such values in the result.';
COMMENT ON FUNCTION cmig.workload_save(text) IS 'Saves the queries of this database in pg_stat_statements in the table cmig.workload, in place of those that were saved under the name before, and returns their number. Leaves out statements that have no plan. Raises an error if the name is null (22004) or empty (22023), pg_stat_statements cannot be read (55000, 42501), or the transaction is read-only (25006).';

--
-- Taking over from other migration tools
--

CREATE FUNCTION cmig.import_files(format text DEFAULT NULL, file_names text[] DEFAULT NULL,
	contents text[] DEFAULT NULL,
	placeholders jsonb DEFAULT '{}',
	OUT file_name text, OUT content text, OUT note text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_import_files'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.import_state(tool text DEFAULT NULL, history_table regclass DEFAULT NULL,
	OUT applied text, OUT revision text, OUT note text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_import_state'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.import_tools(file_names text[] DEFAULT NULL, contents text[] DEFAULT NULL,
	OUT tool text, OUT converts boolean, OUT reads_state boolean, OUT found_file text, OUT folder text, OUT history_table regclass, OUT applied bigint, OUT note text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_import_tools'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION cmig.import_files(text, text[], text[], jsonb) IS 'Converts the files of another migration tool into revision files. Returns them in the order of that tool, with notes on what has no counterpart; content is NULL for a file that is left out. Stores nothing. Raises an error if a file cannot be converted (MG013) or an argument is not valid (22004, 22023).';
COMMENT ON FUNCTION cmig.import_tools(text[], text[]) IS 'Returns one row for each migration tool that pg_cmig knows: whether import_files converts its files and import_state reads its table, the first of the files that looks like one of its own, the folder to convert, its table in this database, the number of migrations that this table says are applied, and the reason if it cannot be read. If there are files in several folders, there is a row for each of them, or, of tools that read several folders, one with the folder that contains them. Changes nothing. Raises an error if an argument is not valid (22004, 22023).';
COMMENT ON FUNCTION cmig.import_state(text, regclass) IS 'Stamps the revisions that another migration tool has applied according to its table, and changes nothing else. Returns one row for each migration that the tool has recorded, with its revision, and the reason if it was not stamped. Raises an error if the tool is unknown (22023), the table does not exist (42P01) or cannot be read (42809), or it does not match cmig.version (55000), and the same errors as stamp.';

--
-- The screens of cmig
--

CREATE FUNCTION cmig.screen(screen text, rows jsonb, OUT item text, OUT value text, OUT hint text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
	SELECT s.item, s.value, s.hint
	FROM (SELECT r.*, e.n, lag(r.relation) OVER (ORDER BY e.n) AS previous,
			string_agg(r.tool, ' and ') FILTER (WHERE r.converts AND r.found_file <> '')
				OVER (PARTITION BY regexp_replace(r.found_file, '[^/]*$', '')) AS alike
		FROM jsonb_array_elements(rows) WITH ORDINALITY AS e (element, n),
		jsonb_to_record(e.element) AS r (item text, value text, hint text, revision text, message text, severity text, rule text,
			line integer, safe_rewrite text, differences integer, examples text, field text, step integer, transactional boolean,
			irreversible boolean, locks text, command text, rows bigint, rewrites text, error text, calls bigint, query text,
			verdict text, detail text, problem text, fix text, kind text, object text, action text, change text, hazard text, upgrade_sql text,
			scope text, reference text, relation text, old_column text, new_column text, rows_filled bigint, rows_left bigint,
			rows_failed bigint, failure text, last_old_write timestamptz, old_calls bigint, old_callers text, state text,
			schemas text[], tool text, converts boolean, reads_state boolean, found_file text, folder text, history_table text,
			applied bigint, note text, new_folder text, other_folder text, django_folder text)) r
	-- the place of the line in the revision's file
	LEFT JOIN LATERAL (SELECT v.expand, CASE WHEN p.first > 0 THEN v.file_name END AS file_name,
			CASE WHEN p.first > 0 THEN p.first + r.line - 1 END AS line
		FROM cmig.revision v, LATERAL (SELECT v.file_lines[CASE WHEN r.command LIKE 'verify: %' THEN 3
			WHEN screen = 'dry-run downgrade' THEN 2 ELSE 1 END] AS first) p
		WHERE v.revision = r.revision AND screen IN ('lint', 'plan', 'dry-run upgrade', 'dry-run downgrade')) f ON true
	-- the files of the other tool, and how they are written in a command
	LEFT JOIN LATERAL (SELECT folder, CASE WHEN r.found_file IS NULL THEN 'FOLDER'
			WHEN name = '' THEN '.' WHEN name ~ '^[A-Za-z0-9_./+-]+$' THEN name
			ELSE concat('''', replace(name, '''', E'''\\'''''), '''') END AS typed
		FROM (SELECT CASE WHEN r.tool = 'django' THEN r.django_folder ELSE r.folder END) d (folder),
		LATERAL (SELECT CASE WHEN r.tool = 'liquibase' AND r.found_file !~ '[.]sql$' THEN r.found_file ELSE folder END) t (name)) d ON screen = 'import'
	-- the tools that could have these files, one of which has a table
	LEFT JOIN LATERAL (SELECT bool_or(o.history_table <> '') AS has_table,
			string_agg(DISTINCT o.tool, ' and ') FILTER (WHERE o.converts AND o.history_table IS NULL) AS others
		FROM jsonb_to_recordset(CASE WHEN screen = 'import' THEN screen.rows END) AS o (tool text, converts boolean, folder text, history_table text)
		WHERE o.tool <> r.tool AND CASE WHEN r.history_table IS NULL THEN starts_with(r.folder || '/', o.folder || left('/', length(o.folder)))
			ELSE starts_with(o.folder || '/', r.folder || left('/', length(r.folder))) END) o ON true
	CROSS JOIN LATERAL (
		SELECT r.revision,
			concat_ws(': ', coalesce(f.file_name || coalesce(':' || f.line, ''), 'line ' || coalesce(f.line, r.line)),
				r.severity, concat(r.message, ' (', r.rule, ')')),
			r.safe_rewrite
		WHERE screen = 'lint'
	UNION ALL
		SELECT r.revision, concat('HAZARD: ', r.message, ' (', r.rule, ')'), NULL
		WHERE screen = 'hazards'
	UNION ALL
		SELECT concat(r.step, ' ', r.revision),
			concat_ws(', ', CASE WHEN NOT r.transactional THEN 'NOT TRANSACTIONAL' END, CASE WHEN r.irreversible THEN 'IRREVERSIBLE' END,
				nullif(r.message, ''), CASE WHEN f.expand IS NOT NULL AND current_setting('cmig_client.hints', true) IS DISTINCT FROM 'engine' THEN
					CASE WHEN EXISTS (SELECT FROM cmig.expansion_run x WHERE r.revision = ANY (x.revisions)) THEN 'is expanded' ELSE 'can be expanded' END END),
			r.locks
		WHERE screen = 'plan'
	UNION ALL
		SELECT r.revision,
			concat_ws(': ', CASE WHEN r.line > 0 THEN 'line ' || coalesce(f.line, r.line) END,
				concat_ws(', ', r.command, r.rows || CASE r.rows WHEN 1 THEN ' row' ELSE ' rows' END)),
			concat_ws(E'\n', r.locks, 'rewrites ' || r.rewrites, r.error)
		WHERE screen IN ('dry-run upgrade', 'dry-run downgrade')
	UNION ALL
		SELECT r.item, concat(r.severity, ': ', r.value), r.hint
		WHERE screen = 'preflight'
	UNION ALL
		SELECT r.item, r.value, r.hint
		WHERE screen = 'status'
	UNION ALL
		SELECT r.severity, concat_ws(': ', r.object, r.problem), r.fix
		WHERE screen = 'check'
	UNION ALL
		SELECT concat_ws(', ', r.verdict, r.calls || CASE r.calls WHEN 1 THEN ' call' ELSE ' calls' END),
			regexp_replace(r.query, '[[:space:]]+', ' ', 'g'), r.detail
		WHERE screen = 'workload-check' AND r.verdict <> 'same_plan' AND coalesce(r.detail !~ ' a utility statement has no plan', true)
	UNION ALL
		SELECT r.revision, concat_ws(': ', r.problem, nullif(concat_ws(' ', r.kind, r.object), '')), r.message
		WHERE screen = 'round-trip'
	UNION ALL
		SELECT r.field, CASE WHEN r.field !~ '_sql$' THEN replace(r.value, E'\n', ' ') END, CASE WHEN r.field ~ '_sql$' THEN r.value END
		WHERE screen = 'show'
	UNION ALL
		SELECT r.revision,
			concat(CASE r.differences WHEN 0 THEN 'no differences' WHEN 1 THEN '1 difference' ELSE r.differences || ' differences' END,
				'; ' || replace(r.examples, E'\n', ', ')),
			r.hint
		WHERE screen = 'locate'
	UNION ALL
		SELECT concat(r.action, ' ', r.kind), concat_ws(': ', r.object, r.change), r.hazard
		WHERE screen = 'diff'
	UNION ALL
		-- what was done by hand, and what reverts it
		SELECT r.kind, concat_ws(': ', r.object, nullif(concat_ws('; ', r.change, r.hazard), '')), r.upgrade_sql
		WHERE screen = 'drift'
	UNION ALL
		SELECT r.kind,
			concat_ws(': ', r.object, concat_ws('; ', CASE r.action WHEN 'drop' THEN 'was created' WHEN 'create' THEN 'was dropped'
				ELSE r.change END, r.hazard)),
			r.upgrade_sql
		WHERE screen = 'drift --scope'
	UNION ALL
		SELECT r.scope, concat(r.object, ', unlike in ', r.reference), r.upgrade_sql
		WHERE screen = 'scope-drift'
	UNION ALL
		SELECT regexp_replace(r.relation, '^public[.]', ''),
			concat_ws(', ', concat_ws(' ', r.change, concat_ws(' -> ', r.old_column,
				CASE WHEN r.old_column IS NULL OR r.new_column <> r.old_column THEN r.new_column END)),
				r.rows_filled || ' rows filled', r.rows_left || ' left', r.rows_failed || ' failed',
				'the old build last wrote at ' || date_trunc('second', r.last_old_write)::text,
				CASE WHEN r.n = 1 THEN 'queries of the old version: ' || concat(
					nullif(r.old_calls, 0) || CASE r.old_calls WHEN 1 THEN ' call by ' ELSE ' calls by ' END, r.old_callers) END),
			CASE WHEN r.relation IS DISTINCT FROM r.previous THEN
				r.failure || '; to see the rows: SELECT * FROM ' || r.relation || ' WHERE cmig_state IS NOT NULL' END
		WHERE screen = 'expansion'
	UNION ALL
		SELECT 'state',
			concat(r.revision, ' is ', r.state, '; search_path of the new build: ' || (SELECT nullif(concat_ws(', ',
				string_agg(quote_ident(cmig.version_schema(r.revision, u.schema)), ', ' ORDER BY u.n),
				string_agg(quote_ident(u.schema), ', ' ORDER BY u.n)), '') FROM unnest(r.schemas) WITH ORDINALITY u (schema, n))),
			concat(CASE r.state WHEN 'expanding' THEN concat('cmig expand ', r.revision, o.scope, ' # or, to undo it: ')
				ELSE concat('When no old build runs any more: cmig contract', o.scope, ' # or, to undo it: ') END,
				'cmig abandon', o.scope)
		FROM (SELECT ' --scope ' || CASE WHEN r.scope ~ '^[A-Za-z0-9_.-]+$' THEN r.scope
			WHEN r.scope <> '' THEN concat('''', replace(r.scope, '''', E'''\\'''''), '''') END) o (scope)
		WHERE screen = 'expansion state'
	UNION ALL
		-- files that several tools could have belong to the one that has a table
		SELECT r.tool,
			concat_ws('; ', 'files such as ' || r.found_file
					|| CASE WHEN r.history_table IS NULL AND r.alike ~ ' and ' THEN concat(', as ', r.alike, ' name them') ELSE '' END,
				'table ' || r.history_table || coalesce(', with ' || r.applied || ' applied', ', which cannot be read: ' || r.note, ''),
				CASE WHEN r.history_table IS NOT NULL THEN 'also looks like ' || o.others END),
			CASE WHEN r.tool = 'engine' THEN 'cmig import engine --state    # records what cmig has applied without the extension'
			WHEN NOT r.reads_state OR NOT r.converts AND r.tool NOT IN ('alembic', 'django')
				THEN 'cmig baseline    # writes one revision with the schema of the database; its files cannot be converted'
			ELSE concat('cmig import ', r.tool,
				CASE WHEN r.tool <> 'alembic' AND (r.tool <> 'django' OR d.folder <> '') THEN ' ' || d.typed END, t.other,
				'    # writes a revision file for each migration into ', CASE WHEN t.other = '' THEN r.new_folder ELSE r.other_folder END,
				CASE WHEN r.applied IS NOT NULL THEN
					format(E'\ncmig import %s --state%s    # then records the %s that are applied, and runs nothing',
						r.tool, t.other, r.applied) END) END
		FROM (SELECT CASE WHEN d.folder = r.new_folder THEN ' --folder ' || r.other_folder ELSE '' END AS other) t
		-- a tool that is only recognized says nothing about files that another one converts
		WHERE screen = 'import' AND (r.history_table IS NOT NULL OR r.found_file IS NOT NULL AND o.has_table IS NOT TRUE
			AND (r.converts OR r.reads_state OR r.alike IS NULL))
	) s (item, value, hint)
	ORDER BY r.n
$$;

COMMENT ON FUNCTION cmig.screen(text, jsonb) IS 'Returns the lines that the verb of cmig with this name shows for rows of a function, such as those of cmig.lint for ''lint''. The rows are a JSON array of objects. Returns no rows if there is no such screen. Raises an error if the rows are not such an array (22023), or a value does not have the type of its column (22P02).';

--
-- DDL outside of migration runs
--

CREATE FUNCTION cmig.set_ddl_policy(policy text DEFAULT '', exclude text[] DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_set_ddl_policy_1_2'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.allow_ddl(reason text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_allow_ddl'
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

CREATE FUNCTION cmig.ddl_event(event text, tag text)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_ddl_event'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

-- Calls the library only if a policy may be set.  Does not prevent DDL if the
-- library is missing or the schema was renamed.  Reads the stored policy, because
-- one that was set after the session began is not yet in the session's settings.
CREATE FUNCTION cmig.ddl_trigger()
RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('cmig.ddl_policy', true) IS NULL THEN
		-- if the catalog is empty, skip the query below, which is slower
		IF pg_relation_size('pg_db_role_setting', 'main') = 0 THEN RETURN; END IF;
		IF NOT EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = 0 AND s.setconfig::text LIKE '%cmig.ddl_policy=%') THEN RETURN; END IF;
	END IF;
	IF to_regprocedure('cmig.ddl_event(text,text)') IS NULL THEN RETURN; END IF;
	-- a subtransaction costs more than all else, so begin it only for the first call
	IF current_setting('cmig.loaded', true) = 'on' THEN
		PERFORM cmig.ddl_event(TG_EVENT, TG_TAG);
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

COMMENT ON FUNCTION cmig.set_ddl_policy(text, text[]) IS 'Sets cmig.ddl_policy for the database to allow, log, or deny; NULL resets it. exclude sets the patterns of objects to which it does not apply; NULL keeps them. Only the owner of the database or a superuser can do this. The change takes effect on commit, even in open sessions. Returns the new policy of the database. Raises an error if the caller is not allowed to do this (42501), the argument is not valid (22023), or the transaction is read-only (25006).';
COMMENT ON FUNCTION cmig.allow_ddl(text) IS 'Allows DDL outside of migration runs until the end of the transaction, even if cmig.ddl_policy is deny. The reason and the changes are recorded in cmig.ddl_log. Raises an error if the reason is missing (22023) or the transaction is read-only (25006).';
COMMENT ON FUNCTION cmig.ddl_event(text, text) IS 'Applies cmig.ddl_policy to the command of an event trigger. Called only by cmig.ddl_trigger(). Raises an error if the policy denies the command (MG022) or it is called in any other way (39P03).';
COMMENT ON FUNCTION cmig.ddl_trigger() IS 'Function of the event triggers that detect DDL outside of migration runs. Does nothing if cmig.ddl_policy is allow.';


--
-- Scopes, replicas, and settings
--

CREATE PROCEDURE cmig.upgrade_scopes(pattern text DEFAULT NULL, target text DEFAULT 'head',
	max_failures integer DEFAULT 0, first integer DEFAULT NULL, begin_with text[] DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_upgrade_scopes_1_2'
LANGUAGE C;

CREATE PROCEDURE cmig.downgrade_scopes(pattern text DEFAULT NULL, target text DEFAULT NULL,
	max_failures integer DEFAULT 0, first integer DEFAULT NULL, begin_with text[] DEFAULT NULL)
AS 'MODULE_PATHNAME', 'cmig_downgrade_scopes'
LANGUAGE C;

CREATE FUNCTION cmig.plan_scopes(direction text DEFAULT 'upgrade', target text DEFAULT NULL, pattern text DEFAULT NULL,
	begin_with text[] DEFAULT NULL)
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'cmig_plan_scopes'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.scopes(
	OUT scope text, OUT current text[], OUT pending integer, OUT failed text, OUT since timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_scopes'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.create_scope(scope text DEFAULT NULL, target text DEFAULT 'head', copy_of text DEFAULT NULL,
	OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_create_scope'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.drop_scope(scope text DEFAULT NULL, confirm text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_drop_scope'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.rename_scope(scope text DEFAULT NULL, new_name text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_rename_scope'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.scope_drift(owners boolean DEFAULT false, privileges boolean DEFAULT true,
	comments boolean DEFAULT true,
	OUT scope text, OUT reference text, OUT step integer, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_scope_drift'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.wait_for_replicas(lag interval DEFAULT '0', timeout interval DEFAULT '1 min')
RETURNS boolean
AS 'MODULE_PATHNAME', 'cmig_wait_for_replicas'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.set_option(name text, value text, role name DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_set_option'
LANGUAGE C VOLATILE PARALLEL UNSAFE;


COMMENT ON PROCEDURE cmig.upgrade_scopes(text, text, integer, integer, text[]) IS 'Upgrades the schemas whose names match a LIKE pattern, in the order of their names, or those of begin_with first, each as a scope and in a separate transaction, or stepwise if a revision cannot run in one. Upgrades at most the first ones; a later call continues. Failures are recorded. If there are more than max_failures, the call ends with the last error. Skips scopes that another session is running. Raises an error if an argument is not valid (22004, 22023), the target is not valid (MG001 to MG005), or it is called inside a transaction block (25001).';
COMMENT ON PROCEDURE cmig.downgrade_scopes(text, text, integer, integer, text[]) IS 'Downgrades the schemas whose names match a LIKE pattern, in the same way as upgrade_scopes. The target is one of downgrade(text). Skips scopes in which nothing is applied. Raises an error if cmig.protect forbids the downgrade (MG011), and the same errors as upgrade_scopes.';
COMMENT ON FUNCTION cmig.plan_scopes(text, text, text, text[]) IS 'Returns the schemas that a call of upgrade_scopes or downgrade_scopes with these arguments would run, in order. Leaves out those that are at the target. Changes nothing. Raises an error if an argument is not valid (22004, 22023) or the target is not (MG001 to MG005).';
COMMENT ON FUNCTION cmig.scopes() IS 'Returns the scopes in which a run has been attempted, with their version rows, the number of pending revisions, the error of the last run if it failed, and the time of the last run.';
COMMENT ON FUNCTION cmig.create_scope(text, text, text) IS 'Creates a schema and upgrades it as a scope. With copy_of, copies the structure of that scope first, without rows, and records its revisions as applied. Returns the revisions that were run. Raises an error if the schema exists (42P06), cannot be a scope (22023), or the scope cannot be copied (0A000, 3F000, 42501, 55000), and the same errors as upgrade(text).';
COMMENT ON FUNCTION cmig.scope_drift(boolean, boolean, boolean) IS 'Compares the schemas of scopes that have the same version rows. For each scope whose schema differs from the one that most of these scopes have, returns the statements that change it to that schema, with the columns of diff_schemas. Raises an error if a schema cannot be read (42501).';
COMMENT ON FUNCTION cmig.wait_for_replicas(interval, interval) IS 'Waits until all connected physical and logical replicas have replayed the WAL up to the current position, or lag behind by at most lag. Also waits for replicas that are not connected if they have a replication slot. Returns true, so that it can be a precondition. Raises an error if a replica has not caught up before the timeout (55000; a NULL timeout means no limit), the caller does not have the privileges of pg_read_all_stats (42501), or an argument is not valid (22023).';
COMMENT ON FUNCTION cmig.drop_scope(text, text) IS 'Drops the schema of a scope with everything in it, and its version rows. The argument confirm must be the name of the scope. Raises an error if confirm is another name (22023), the schema does not exist (3F000), or cmig.protect does not allow it (MG011).';
COMMENT ON FUNCTION cmig.rename_scope(text, text) IS 'Renames the schema of a scope. What is recorded about it, including its journal, moves to the new name. Raises an error if a name cannot be a scope (22023) or is NULL (22004), the schema does not exist (3F000) or the new one does (42P06), or a revision is expanded or partially applied in it (55000).';
COMMENT ON FUNCTION cmig.set_option(text, text, name) IS 'Stores the value of one of pg_cmig''s settings for the database, or for a role in this database; NULL resets it. Does what ALTER DATABASE ... SET or ALTER ROLE ... IN DATABASE ... SET does, with the same privileges, and also works in a session that has not loaded pg_cmig. New sessions use the value. Returns the statement that was run. Raises an error if the caller is not allowed to do this (42501), the setting is not one of pg_cmig''s or the role does not exist (42704), the value is not valid (22023), the setting cannot be changed (55P02), or the transaction is read-only (25006).';

--
-- Private views of the audit.  C functions read them with the privileges of the
-- extension's owner.
--

-- The statements that create the audit log, and the script of cmig.audit_script().
-- In the log, the order of the columns avoids padding in the fixed part of a row.
-- The upper half of row_hash is the table's id, and the lower half is a hash of the
-- key, jsonb_hash_extended(row_key, 0), so that one index finds both the entries of a
-- row and the entries of a table.  The unique index on id prevents a dump that is
-- restored over the database from adding entries a second time, and finds the newest
-- id.  Like any unique index of a partitioned table, it must contain the partition
-- key.  The images use lz4, because compressing them with pglz would cost more than
-- everything else that the trigger does.  Partitions inherit the compression method.
--
-- The script's trigger function must be SECURITY DEFINER, because roles that write to
-- the table have no privileges on the log.  Therefore, objects that another role
-- created in the schema beforehand would be used with the privileges of the role that
-- runs the script.  The script refuses them.
CREATE VIEW cmig.audit_text AS
WITH log (log, lz4) AS (VALUES ($log$CREATE SEQUENCE cmig_audit.log_id_seq AS bigint;
CREATE TABLE cmig_audit.log (
	id bigint NOT NULL DEFAULT pg_catalog.nextval('cmig_audit.log_id_seq'),
	seq bigint NOT NULL,
	transaction_id xid8 NOT NULL,
	transaction_at timestamptz NOT NULL,
	clock_at timestamptz NOT NULL,
	row_hash bigint NOT NULL,
	old_hash bigint,
	table_id integer NOT NULL,
	command_id bigint NOT NULL,
	backend_pid integer,
	operation text NOT NULL,
	schema_name text NOT NULL,
	table_name text NOT NULL,
	row_key jsonb,
	old_key jsonb,
	old_row jsonb,
	new_row jsonb,
	changed text[],
	user_id text,
	tenant_id text,
	role text,
	session_role text,
	application_name text,
	client_address inet,
	revision text,
	reason text,
	request_id text,
	query text
) PARTITION BY RANGE (transaction_at);
ALTER SEQUENCE cmig_audit.log_id_seq OWNED BY cmig_audit.log.id;
CREATE UNIQUE INDEX log_id_transaction_at_idx ON cmig_audit.log (id, transaction_at);
CREATE INDEX log_row_hash_idx ON cmig_audit.log (row_hash);
CREATE INDEX log_old_hash_idx ON cmig_audit.log (old_hash) WHERE old_hash IS NOT NULL;
CREATE INDEX log_transaction_id_idx ON cmig_audit.log (transaction_id);
CREATE INDEX log_clock_at_idx ON cmig_audit.log USING brin (clock_at);
CREATE TABLE cmig_audit.log_default PARTITION OF cmig_audit.log DEFAULT;
ALTER TABLE cmig_audit.log_default REPLICA IDENTITY FULL;
CREATE SEQUENCE cmig_audit.table_id_seq AS integer;
CREATE TABLE cmig_audit.layout (
	table_id integer NOT NULL,
	recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	relation oid NOT NULL,
	schema_name text NOT NULL,
	table_name text NOT NULL,
	columns jsonb NOT NULL,
	key_columns text[] NOT NULL,
	key_kinds text[],
	owner text,
	database text
);
CREATE INDEX layout_table_id_idx ON cmig_audit.layout (table_id, recorded_at);
CREATE VIEW cmig_audit.audit_logs WITH (security_invoker = true) AS
	SELECT l.id, l.table_name, l.operation,
		CASE WHEN l.user_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN l.user_id::uuid END AS user_id,
		CASE WHEN l.tenant_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN l.tenant_id::uuid END AS tenant_id,
		l.old_row AS old_values, l.new_row AS new_values, l.clock_at AS "timestamp"
	FROM cmig_audit.log l;
COMMENT ON TABLE cmig_audit.log IS 'Audit log of pg_cmig: one row for each change of an audited table.';
COMMENT ON COLUMN cmig_audit.log.seq IS 'Sort key of the changes of a row, followed by command_id and id';
COMMENT ON COLUMN cmig_audit.log.row_hash IS 'table_id in the upper, hash of row_key in the lower 32 bits';
COMMENT ON COLUMN cmig_audit.log.table_id IS 'Permanent id of the audited table; renaming does not change it';
COMMENT ON COLUMN cmig_audit.log.old_key IS 'Key before the change, if the change altered the key';
COMMENT ON COLUMN cmig_audit.log.changed IS 'Names of the columns that an UPDATE changed';
COMMENT ON TABLE cmig_audit.layout IS 'Names and columns of audited tables since the time recorded_at.';
COMMENT ON COLUMN cmig_audit.layout.key_kinds IS 'JSON types of the key values: number, boolean, or string; otherwise the data type';
COMMENT ON COLUMN cmig_audit.layout.database IS 'Database in which the OID in column relation is valid: system identifier of the server and OID of the database';
COMMENT ON VIEW cmig_audit.audit_logs IS 'The log in the form of a plain audit_logs table. Reading it also requires SELECT on cmig_audit.log.';$log$, $log$ALTER TABLE ONLY cmig_audit.log ALTER row_key SET COMPRESSION lz4, ALTER old_key SET COMPRESSION lz4, ALTER old_row SET COMPRESSION lz4, ALTER new_row SET COMPRESSION lz4;
ALTER TABLE ONLY cmig_audit.log_default ALTER row_key SET COMPRESSION lz4, ALTER old_key SET COMPRESSION lz4, ALTER old_row SET COMPRESSION lz4, ALTER new_row SET COMPRESSION lz4;$log$))
SELECT 'log' AS name, l.log || CASE WHEN EXISTS (SELECT FROM pg_settings s
		WHERE s.name = 'default_toast_compression' AND 'lz4' = ANY (s.enumvals)) THEN chr(10) || l.lz4 ELSE '' END AS text
FROM log l
UNION ALL
SELECT 'script', $script$DO $audit$
DECLARE
	path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
	-- others may be able to create functions in a schema of the path
	pinned CONSTANT pg_catalog.text := pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	created CONSTANT pg_catalog.bool := to_regclass('cmig_audit.log') IS NULL;
	audited pg_catalog.regclass := current_setting('cmig_audit.target');
	options pg_catalog.jsonb := current_setting('cmig_audit.options');
	this_table integer;
	events pg_catalog.text;
	list pg_catalog.text;
BEGIN
	IF EXISTS (SELECT FROM (
		SELECT n.nspowner AS owner FROM pg_namespace n WHERE n.nspname = 'cmig_audit'
		UNION ALL SELECT p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'cmig_audit'
		UNION ALL SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'cmig_audit' OR c.oid IN (SELECT t.relid FROM pg_partition_tree(to_regclass('cmig_audit.log')) t)
		) o JOIN pg_roles r ON r.oid = o.owner WHERE r.rolname <> current_user AND NOT r.rolsuper) THEN
		RAISE EXCEPTION 'schema cmig_audit or an object in it belongs to another role' USING ERRCODE = 'insufficient_privilege',
			HINT = 'Drop the schema if it is not an audit log. Otherwise, run the script as its owner.';
	END IF;
	FOREACH list IN ARRAY '{include,exclude,redact}'::text[] LOOP
		CONTINUE WHEN NOT options ? list;
		IF EXISTS (SELECT FROM jsonb_array_elements_text(options -> list) n WHERE NOT EXISTS (SELECT FROM pg_attribute a
			WHERE a.attrelid = audited AND a.attname = n AND a.attnum > 0 AND NOT a.attisdropped)) THEN
			RAISE EXCEPTION 'table % does not have all of the columns %', audited, options -> list USING ERRCODE = 'undefined_column';
		END IF;
		options := jsonb_set(options, ARRAY[list], (SELECT jsonb_object_agg(a.attname, a.attnum) FROM pg_attribute a
			WHERE a.attrelid = audited AND options -> list ? a.attname::text AND a.attnum > 0 AND NOT a.attisdropped));
	END LOOP;
	-- identify the columns in a copy of the table: the names of all columns up to the last listed one
	options := options || jsonb_build_object('table', audited::oid::bigint, 'columns', (
		SELECT coalesce(jsonb_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a
		WHERE a.attrelid = audited AND a.attnum > 0 AND NOT a.attisdropped AND a.attnum <= (SELECT max(n.value::integer)
			FROM unnest('{include,exclude,redact}'::text[]) o(list), jsonb_each_text(options -> o.list) n)));

	IF created THEN
	CREATE SCHEMA cmig_audit;
$script$ || l.log || $script$
		IF EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
$script$ || l.lz4 || $script$
		END IF;
	ELSE
		-- restoring a dump over the database sets the sequence back
		PERFORM setval('cmig_audit.log_id_seq', l.id) FROM (SELECT max(id) AS id FROM cmig_audit.log WHERE id < 4611686018427387904) l
		WHERE l.id > (SELECT last_value FROM cmig_audit.log_id_seq);
	END IF;

CREATE OR REPLACE FUNCTION cmig_audit.write_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' AS $write$
DECLARE
	this_table integer := TG_ARGV[0];
	options jsonb := TG_ARGV[1];
	-- in its own table a column has a number, whatever it is called now; a restored copy has other numbers
	owner oid := (SELECT t FROM (SELECT TG_RELID AS t UNION SELECT relid FROM pg_partition_ancestors(TG_RELID)) t WHERE t = (options ->> 'table')::oid);
	key_columns text[];
	excluded text[];
	redacted text[];
	known boolean;
	old_row jsonb;
	new_row jsonb;
	old_key jsonb;
	new_key jsonb;
	changed text[];
	new_id bigint;
BEGIN
	-- to_jsonb() calls casts to json, and they would run with the privileges of this function's owner
	IF EXISTS (SELECT FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc JOIN pg_roles r ON r.oid = p.proowner
		WHERE c.casttarget IN ('json'::regtype, 'jsonb'::regtype) AND NOT r.rolsuper AND r.rolname <> current_user
			AND c.castsource IN (
			WITH RECURSIVE used(type) AS (
				SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped
				UNION
				SELECT i.type FROM used u JOIN pg_type t ON t.oid = u.type, LATERAL (
					VALUES (t.typelem), (t.typbasetype)
					UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
					) i(type) WHERE i.type <> 0)
			SELECT type FROM used)) THEN
		RAISE EXCEPTION 'a type of table "%" has a cast to json that belongs to another role', TG_TABLE_NAME
			USING ERRCODE = 'insufficient_privilege', DETAIL = 'It would run with the privileges of ' || current_user || '.',
			HINT = 'Drop the cast, or give its function to ' || current_user || '.';
	END IF;
	WITH named AS (SELECT o.list, a.attname::text AS name
		FROM unnest('{include,exclude,redact}'::text[]) o(list), LATERAL jsonb_each_text(options -> o.list) n
		LEFT JOIN pg_attribute a ON a.attrelid = coalesce(owner, TG_RELID) AND a.attnum > 0 AND NOT a.attisdropped
			AND CASE WHEN owner IS NULL THEN a.attname = n.key ELSE a.attnum = n.value::integer END),
	key AS (SELECT a.attname::text AS name FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid
			AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1])
		WHERE x.indrelid = coalesce(owner, TG_RELID) AND (x.indisprimary OR x.indisreplident
			AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = x.indrelid AND p.indisprimary)))
	SELECT ARRAY(SELECT k.name FROM key k), ARRAY(SELECT n.name FROM named n WHERE n.list = 'redact'),
		-- virtual columns, whose values a trigger in PL/pgSQL cannot see, are not logged
		ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped
			AND (a.attgenerated = 'v' OR EXISTS (SELECT FROM named n WHERE n.list = 'exclude' AND n.name = a.attname)
				OR options ? 'include' AND a.attname::text NOT IN (SELECT k.name FROM key k)
				AND NOT EXISTS (SELECT FROM named n WHERE n.list <> 'exclude' AND n.name = a.attname))),
		NOT EXISTS (SELECT FROM named n WHERE n.list <> 'include' AND n.name IS NULL)
			AND (owner IS NOT NULL OR EXISTS (SELECT FROM (SELECT TG_RELID UNION SELECT relid FROM pg_partition_ancestors(TG_RELID)) t(oid)
				WHERE options -> 'columns' = (SELECT coalesce(jsonb_agg(c.attname ORDER BY c.attnum), '[]') FROM (SELECT a.attname, a.attnum
					FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
					ORDER BY a.attnum LIMIT jsonb_array_length(options -> 'columns')) c)))
	INTO key_columns, redacted, excluded, known;
	IF NOT known THEN
		RAISE EXCEPTION 'cannot tell which columns of table "%" are hidden in the audit log', TG_TABLE_NAME
			USING ERRCODE = 'object_not_in_prerequisite_state',
			DETAIL = 'A column that the audit script names was dropped, or renamed in a copy of the table.',
			HINT = 'Create a new script with cmig.audit_script() for the table, and run it.';
	END IF;
	IF TG_OP IN ('UPDATE', 'DELETE') THEN old_row := to_jsonb(OLD) - excluded; END IF;
	IF TG_OP IN ('INSERT', 'UPDATE') THEN new_row := to_jsonb(NEW) - excluded; END IF;
	IF TG_OP = 'UPDATE' THEN
		SELECT coalesce(array_agg(n.key), '{}') INTO changed FROM jsonb_each(new_row) n
		WHERE n.value::text IS DISTINCT FROM (old_row -> n.key)::text;
		IF changed = '{}' AND coalesce((options ->> 'skip_unchanged')::boolean, true) THEN RETURN NULL; END IF;
	END IF;
	IF old_row IS NOT NULL THEN
		old_row := old_row || coalesce((SELECT jsonb_object_agg(c, '[redacted]') FROM unnest(redacted) c WHERE old_row -> c <> 'null'), '{}');
		old_key := CASE WHEN key_columns = '{}' THEN old_row ELSE (SELECT jsonb_object_agg(c, old_row -> c) FROM unnest(key_columns) c) END;
	END IF;
	IF new_row IS NOT NULL THEN
		new_row := new_row || coalesce((SELECT jsonb_object_agg(c, '[redacted]') FROM unnest(redacted) c WHERE new_row -> c <> 'null'), '{}');
		new_key := CASE WHEN key_columns = '{}' THEN new_row ELSE (SELECT jsonb_object_agg(c, new_row -> c) FROM unnest(key_columns) c) END;
	END IF;
	IF TG_OP = 'UPDATE' AND old_key::text = new_key::text THEN
		old_key := NULL;
		IF options ->> 'image' = 'changes' THEN
			old_row := (SELECT jsonb_object_agg(c, old_row -> c) FROM unnest(changed) c);
			new_row := (SELECT jsonb_object_agg(c, new_row -> c) FROM unnest(changed) c);
		END IF;
	ELSIF TG_OP = 'DELETE' THEN
		new_key := old_key;
		old_key := NULL;
	END IF;
	new_id := nextval('cmig_audit.log_id_seq');
	INSERT INTO cmig_audit.log (id, seq, transaction_id, transaction_at, clock_at, row_hash, old_hash,
		table_id, command_id, backend_pid, operation, schema_name, table_name, row_key, old_key,
		old_row, new_row, changed, user_id, tenant_id, role, session_role, application_name,
		client_address, reason, request_id, query)
	VALUES (new_id, new_id, pg_current_xact_id(), now(), clock_timestamp(),
		(this_table::bigint << 32) | coalesce(jsonb_hash_extended(new_key, 0) & 4294967295, 0),
		(this_table::bigint << 32) | (jsonb_hash_extended(old_key, 0) & 4294967295),
		this_table, 0, pg_backend_pid(), TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, new_key, old_key,
		old_row, new_row, changed, nullif(current_setting('app.current_user_id', true), ''),
		nullif(current_setting('app.current_tenant_id', true), ''),
		coalesce(nullif(current_setting('role'), 'none'), session_user), session_user,
		nullif(current_setting('application_name'), ''), inet_client_addr(),
		nullif(current_setting('app.audit_reason', true), ''),
		nullif(current_setting('app.request_id', true), ''),
		left(current_query(), nullif((options ->> 'query_length')::integer, 0)));
	RETURN NULL;
END
$write$;
	-- also what default privileges have granted: only this role may write to the log, or call the function
	FOR list IN SELECT format('REVOKE ALL ON %s FROM %s CASCADE', o.name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
		FROM (SELECT 'FUNCTION cmig_audit.write_entry()', coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner FROM pg_proc p WHERE p.oid = 'cmig_audit.write_entry'::regproc
			UNION ALL SELECT 'SCHEMA cmig_audit', n.nspacl, n.nspowner FROM pg_namespace n WHERE created AND n.nspname = 'cmig_audit'
			UNION ALL SELECT c.oid::regclass::text, c.relacl, c.relowner FROM pg_class c
				WHERE created AND c.relnamespace = 'cmig_audit'::regnamespace) o(name, acl, owner), aclexplode(o.acl) a
		WHERE a.grantee <> o.owner
	LOOP
		EXECUTE list;
	END LOOP;

	SELECT table_id INTO this_table FROM cmig_audit.layout WHERE relation = audited ORDER BY recorded_at DESC LIMIT 1;
	IF this_table IS NULL THEN
		LOOP
			this_table := nextval('cmig_audit.table_id_seq');
			EXIT WHEN NOT EXISTS (SELECT FROM cmig_audit.layout l WHERE l.table_id = this_table)
				AND NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
					WHERE (n.nspname = 'cmig_audit' AND p.proname IN ('write', 'write_entry') OR n.nspname = 'cmig' AND p.proname = 'audit_trigger')
						AND split_part(encode(t.tgargs, 'escape'), chr(92) || '000', 1) = this_table::text);
		END LOOP;
		INSERT INTO cmig_audit.layout (table_id, relation, schema_name, table_name, columns, key_columns, key_kinds, owner, database)
		SELECT this_table, c.oid, n.nspname, c.relname,
			(SELECT jsonb_object_agg(a.attname, a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
			k.names, k.kinds, pg_get_userbyid(c.relowner),
			(SELECT s.system_identifier FROM pg_control_system() s) || '/' || (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (
			SELECT coalesce(array_agg(a.attname::text ORDER BY i.n), '{}') AS names, coalesce(array_agg((
				WITH RECURSIVE base(type, domain) AS (SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
					UNION ALL SELECT t.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.domain)
				SELECT CASE WHEN b.type = ANY ('{int2,int4,int8,float4,float8,numeric}'::regtype[]) THEN 'number'
					WHEN b.type = 'bool'::regtype THEN 'boolean'
					WHEN b.type = ANY ('{text,varchar,name,uuid}'::regtype[]) OR t.typtype = 'e' THEN 'string'
					ELSE format_type(b.type, NULL) END
				FROM base b JOIN pg_type t ON t.oid = b.type WHERE b.domain = 0) ORDER BY i.n), '{}') AS kinds
			FROM pg_index x, unnest(x.indkey) WITH ORDINALITY i(attnum, n), pg_attribute a
			WHERE x.indrelid = c.oid AND i.n <= x.indnkeyatts AND a.attrelid = c.oid AND a.attnum = i.attnum
				AND (x.indisprimary OR x.indisreplident
					AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = x.indrelid AND p.indisprimary))) k
		WHERE c.oid = audited;
	END IF;
	SELECT string_agg(upper(o.name), ' OR ' ORDER BY o.n) INTO events FROM unnest('{insert,update,delete}'::text[]) WITH ORDINALITY o(name, n)
	WHERE NOT options ? 'operations' OR options -> 'operations' ? o.name;
	IF events IS NOT NULL THEN
		EXECUTE format('CREATE OR REPLACE TRIGGER cmig_audit_row AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION cmig_audit.write_entry(%L, %L)',
			events, audited, this_table, options);
		IF options ? 'replicated' THEN
			EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER cmig_audit_row', audited);
		END IF;
	END IF;
	IF NOT options ? 'operations' OR options -> 'operations' ? 'truncate' THEN
		EXECUTE format('CREATE OR REPLACE TRIGGER cmig_audit_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION cmig_audit.write_entry(%L, %L)',
			audited, this_table, options);
	END IF;
	PERFORM set_config('search_path', path, true);
END
$audit$;
$script$ FROM log l;
COMMENT ON VIEW cmig.audit_text IS 'SQL of the audit: the statements that create the log, and the script of audit_script.';
COMMENT ON COLUMN cmig.audit_text.name IS 'Name of the text: log or script';
COMMENT ON COLUMN cmig.audit_text.text IS 'The SQL';

-- Tables, with their audit triggers and problems.  The bits of pg_trigger.tgtype are: row 1,
-- insert 4, delete 8, update 16, truncate 32.  The triggers' arguments are parsed
-- without a cast to jsonb, which would fail for malformed arguments written by
-- somebody else.
CREATE VIEW cmig.audit_triggers AS
WITH t AS (SELECT t.tgrelid, t.tgname, t.tgtype::integer AS type, t.tgenabled, t.tgparentid <> 0 AS cloned,
		t.tgqual IS NOT NULL OR t.tgattr::text <> '' AS narrowed,
		substring(encode(t.tgargs, 'escape') FROM E'^([0-9]{1,9})\\\\000')::integer AS table_id,
		CASE WHEN t.tgnargs = 2 THEN convert_from(
			substring(t.tgargs FROM position(E'\\x00'::bytea IN t.tgargs) + 1
				FOR length(t.tgargs) - position(E'\\x00'::bytea IN t.tgargs) - 1), getdatabaseencoding()) END AS argument
	FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = 'audit_trigger'
	JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'cmig'),
own AS (SELECT t.tgrelid, min(t.table_id) AS table_id, min(t.argument) AS argument, bit_or(t.type) AS type,
		string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.tgenabled IN ('D', 'R')) AS disabled,
		string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.narrowed) AS narrowed
	FROM t WHERE NOT t.cloned GROUP BY t.tgrelid)
SELECT c.oid AS relation, n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS target, o.table_id,
	CASE WHEN o.type & 1 = 1 THEN 'row' WHEN o.type IS NOT NULL THEN 'statement' END AS level,
	nullif(concat_ws(', ', CASE WHEN o.type & 4 <> 0 THEN 'insert' END, CASE WHEN o.type & 16 <> 0 THEN 'update' END,
		CASE WHEN o.type & 8 <> 0 THEN 'delete' END, CASE WHEN o.type & 32 <> 0 THEN 'truncate' END), '') AS operations,
	regexp_replace(o.argument, ', "anchor": "[^"]*"', '') AS options,
	nullif(concat_ws('; ',
		CASE WHEN EXISTS (SELECT FROM t WHERE t.tgrelid = c.oid AND t.cloned)
			THEN 'its triggers do nothing while it is a partition of an audited table' END,
		'disabled: ' || o.disabled,
		'triggers that fire only for some changes: ' || o.narrowed,
		CASE WHEN o.tgrelid IS NOT NULL AND o.argument IS NULL THEN 'the triggers were not created by enable_audit' END,
		CASE WHEN EXISTS (SELECT FROM pg_trigger s JOIN pg_proc p ON p.oid = s.tgfoid AND p.proname IN ('write', 'write_entry')
			JOIN pg_namespace w ON w.oid = p.pronamespace AND w.nspname = 'cmig_audit'
			WHERE s.tgrelid = c.oid AND s.tgparentid = 0) THEN 'audited by a script' END,
		CASE WHEN c.relkind = 'p' AND o.type & 28 <> 0 AND o.type & 1 = 0
			THEN 'changes made directly to a partition, and rows that MERGE moves to another one, are not logged' END,
		CASE WHEN c.relispartition AND o.type & 1 = 1 AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(oid)
				JOIN own x ON x.tgrelid = a.oid AND x.type & 28 <> 0 AND x.type & 1 = 0 WHERE a.oid <> c.oid)
			THEN 'changes made through the partitioned table are logged twice' END,
		CASE WHEN c.relispartition AND o.type & 28 <> 0 AND o.type & 1 = 0
				AND NOT EXISTS (SELECT FROM t WHERE t.tgrelid = c.oid AND t.cloned)
				AND NOT EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(oid)
					JOIN own x ON x.tgrelid = a.oid AND x.type & 28 <> 0 AND x.type & 1 = 0 WHERE a.oid <> c.oid)
			THEN format('changes made through the partitioned table are not logged (SELECT * FROM cmig.enable_audit(%L, level => ''auto'') creates row-level triggers)',
				format('%I.%I', n.nspname, c.relname)) END,
		CASE WHEN c.relkind = 'r' AND NOT c.relispartition AND o.type & 28 <> 0 AND o.type & 1 = 0
			THEN nullif(concat_ws('; ', CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
					THEN 'changes made through its parent are not logged as changes of this table' END,
				CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
					THEN 'changes made to child tables through this table are logged as changes of this table' END), '') END,
		'children that are not audited: ' || (SELECT string_agg(i.inhrelid::regclass::text, ', ' ORDER BY i.inhrelid::regclass::text)
			FROM pg_inherits i WHERE i.inhparent = c.oid AND c.relkind = 'r' AND o.tgrelid IS NOT NULL
			AND NOT EXISTS (SELECT FROM own x WHERE x.tgrelid = i.inhrelid)),
		'roles that can replace the triggers: ' || (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
				ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')
			FROM aclexplode(c.relacl) a WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner AND o.tgrelid IS NOT NULL)
		), '') AS problem, o.argument
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN own o ON o.tgrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND (NOT c.relispartition OR o.tgrelid IS NOT NULL)
AND NOT EXISTS (SELECT FROM pg_depend e JOIN pg_roles r ON r.oid = c.relowner AND r.rolsuper WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');
COMMENT ON VIEW cmig.audit_triggers IS 'Tables, with how their audit triggers audit them, and problems with the triggers; audit_status adds what the options tell.';
COMMENT ON COLUMN cmig.audit_triggers.relation IS 'OID of the table';
COMMENT ON COLUMN cmig.audit_triggers.schema IS 'Schema of the table';
COMMENT ON COLUMN cmig.audit_triggers.name IS 'Name of the table';
COMMENT ON COLUMN cmig.audit_triggers.target IS 'The same, quoted';
COMMENT ON COLUMN cmig.audit_triggers.table_id IS 'Permanent id of the table in the log; NULL if it is not audited';
COMMENT ON COLUMN cmig.audit_triggers.level IS 'row or statement; NULL if it is not audited';
COMMENT ON COLUMN cmig.audit_triggers.operations IS 'Operations that are logged';
COMMENT ON COLUMN cmig.audit_triggers.options IS 'Options, as they were set';
COMMENT ON COLUMN cmig.audit_triggers.problem IS 'Problems with the triggers; NULL if there are none';
COMMENT ON COLUMN cmig.audit_triggers.argument IS 'Second argument of the triggers';

-- What a reader of the audit log would run with its own privileges: user-defined
-- functions, operators, and types in constraints, indexes, statistics, rules, and
-- generated columns of the log, its partitions, and children in any schema; and
-- foreign tables among them (remote).  The planner would evaluate the functions: for a
-- conversion to a domain, it evaluates the functions in the domain's checks.  The types
-- of columns that are not read do not matter.  satisfies_hash_partition() (OID 5028) is
-- built in, but it can read any partition key, which evaluates the functions in that
-- key.  Reading a foreign table would connect to a server that the log's owner has
-- chosen, as a role that the owner has chosen.
CREATE VIEW cmig.audit_foreign AS
WITH RECURSIVE part AS (SELECT c.oid, c.relname IN ('log', 'layout') AS read FROM pg_class c
		WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'cmig_audit')
	UNION SELECT i.inhrelid, part.read FROM pg_inherits i JOIN part ON i.inhparent = part.oid),
kin AS (SELECT part.oid FROM part UNION SELECT x.indexrelid FROM pg_index x JOIN part ON x.indrelid = part.oid)
SELECT 'table' AS kind, c.oid AS relation, c.oid::regclass::text AS code FROM part JOIN pg_class c ON c.oid = part.oid WHERE part.read AND c.relkind = 'f'
UNION ALL
SELECT 'code', NULL, CASE d.refclassid WHEN 'pg_proc'::regclass THEN 'calls function ' || d.refobjid::regprocedure::text
	WHEN 'pg_operator'::regclass THEN (SELECT format('calls operator %I.%s(%s,%s)', n.nspname, o.oprname, coalesce(format_type(nullif(o.oprleft, 0), NULL), 'NONE'), format_type(o.oprright, NULL)) FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = d.refobjid)
	ELSE 'uses type ' || format_type(d.refobjid, -1) END
FROM pg_depend d
WHERE (d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) OR d.refclassid = 'pg_type'::regclass AND d.objsubid = 0)
AND d.refobjid >= 16384
AND (d.classid = 'pg_class'::regclass AND d.objid IN (SELECT kin.oid FROM kin)
	OR d.classid = 'pg_constraint'::regclass AND d.objid IN (SELECT k.oid FROM pg_constraint k WHERE k.conrelid IN (SELECT part.oid FROM part))
	OR d.classid = 'pg_attrdef'::regclass AND d.objid IN (SELECT f.oid FROM pg_attrdef f JOIN part ON part.oid = f.adrelid
		JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '')
	OR d.classid = 'pg_rewrite'::regclass AND d.objid IN (SELECT w.oid FROM pg_rewrite w WHERE w.ev_class IN (SELECT part.oid FROM part))
	OR d.classid = 'pg_statistic_ext'::regclass AND d.objid IN (SELECT t.oid FROM pg_statistic_ext t WHERE t.stxrelid IN (SELECT part.oid FROM part)))
UNION ALL
SELECT 'code', NULL, 'calls function satisfies_hash_partition' FROM (
	SELECT concat(x.indexprs, x.indpred) FROM pg_index x JOIN part ON x.indrelid = part.oid
	UNION ALL SELECT k.conbin::text FROM pg_constraint k JOIN part ON k.conrelid = part.oid
	UNION ALL SELECT f.adbin::text FROM pg_attrdef f JOIN part ON f.adrelid = part.oid
	UNION ALL SELECT t.stxexprs::text FROM pg_statistic_ext t JOIN part ON t.stxrelid = part.oid
	UNION ALL SELECT p.partexprs::text FROM pg_partitioned_table p JOIN part ON p.partrelid = part.oid) e(expression)
WHERE strpos(e.expression, ':funcid 5028 ') > 0
UNION ALL
-- a policy that has other nodes than these, reads a relation or XMLTABLE, has a user-defined type, or calls a function that is volatile,
-- not built in, or an input function, executes its argument as a query (xml), or opens a table (whose partition key is evaluated then)
SELECT 'policy', p.polrelid, p.polname FROM pg_policy p CROSS JOIN CAST(p.polqual AS text) q(qual)
WHERE EXISTS (SELECT FROM regexp_matches(q.qual, E'\\{([A-Z_]+)', 'g') t(tag) WHERE t.tag[1] <> ALL ('{VAR,CONST,PARAM,FUNCEXPR,OPEXPR,DISTINCTEXPR,
	NULLIFEXPR,SCALARARRAYOPEXPR,BOOLEXPR,NULLTEST,BOOLEANTEST,RELABELTYPE,COERCEVIAIO,COLLATEEXPR,CASEEXPR,CASEWHEN,CASETESTEXPR,COALESCEEXPR,MINMAXEXPR,SQLVALUEFUNCTION,
	ARRAYEXPR,ARRAYCOERCEEXPR,SUBSCRIPTINGREF,SUBLINK,QUERY,TARGETENTRY,FROMEXPR,RANGETBLREF,RTE,RANGETBLENTRY,RANGETBLFUNCTION,ALIAS,JOINEXPR,
	SORTGROUPCLAUSE,AGGREF,WINDOWFUNC,WINDOWCLAUSE}'))
	OR q.qual ~ ':(relid [1-9]|rtekind [^12358])'
	OR EXISTS (SELECT FROM regexp_matches(q.qual, E':\\w*type\\w* (\\d+)', 'g') t(oid) WHERE t.oid[1]::bigint >= 16384)
	OR EXISTS (SELECT FROM regexp_matches(q.qual, E':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') c(oid) LEFT JOIN pg_proc f ON f.oid = c.oid[1]::oid
		WHERE f.oid IS NULL OR f.oid >= 16384 OR f.provolatile = 'v' OR f.proname LIKE E'pg\\_input\\_%'
			OR f.prorettype = ANY ('{cstring,internal,record,xml}'::regtype[])
			OR f.proargtypes::oid[] && '{cstring,internal,record,oid,regclass}'::regtype[]::oid[]);
COMMENT ON VIEW cmig.audit_foreign IS 'Code and foreign tables of others that a query of the audit log would use, and the policies of all tables that can run code of others.';
COMMENT ON COLUMN cmig.audit_foreign.kind IS 'table (a foreign table), code, or policy';
COMMENT ON COLUMN cmig.audit_foreign.relation IS 'The foreign table, or the table of the policy';
COMMENT ON COLUMN cmig.audit_foreign.code IS 'What the query would use, or the name of the policy';

--
-- Privileges: everything belongs to the bootstrap superuser, so that no other
-- role can replace a function or create a trigger on a table.  PUBLIC has no
-- privileges.  The installing role may use everything and grant it.
--
-- Default privileges may have granted privileges on the objects created above;
-- these are revoked.  The owner is set first, because the privileges at the end
-- of the script become the initial privileges, and pg_dump writes only what
-- differs from them.
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
	-- skip sequences, which change their owner together with their table
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

-- defaults of columns are evaluated with the privileges of those who write
GRANT EXECUTE ON FUNCTION cmig.expansion_mark(anyelement), cmig.expansion_unset(anyelement), cmig.expansion_view() TO PUBLIC;
