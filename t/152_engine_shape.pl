# Copyright (c) 2026, the pg_cmig developers

# Without the extension in the database: nothing that the owner of the database, of a schema, or of a
# table adds runs as a superuser who only calls cmig, and nothing in a name runs on the client.  A
# function of the owner tells who runs it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use CmigShell;
use Fcntl qw(:flock);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $superuser = getpwuid($<);
my ($node, $dir, $cache) = engine_project('engine_shape');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'");
$node->restart;

sub rows { return $node->safe_psql('shop', $_[0]); }

# the same as a superuser
sub admin { return $node->safe_psql($_[1] // 'shop', $_[0], extra_params => [ '-U', $superuser ]); }

# who calls cmig is a superuser, and no code of the owner may run
my @as = ('-U', $superuser);
sub is_safe
{
	my ($name, @arguments) = @_;
	my @result = cmig(@as, @arguments);

	unlike("@result", qr/runs as/, "$name: cmig @arguments");
	return @result;
}

write_revision('001', '', '', 'CREATE TABLE item (id bigint);', 'DROP TABLE item;');
gives(0, 'at 001', '', 'upgrade', '-y');

# the engine goes on, which makes the test faster
open my $users, '>>', glob "$cache/cmig/engine-*/users" or die;
flock $users, LOCK_SH or die;

# a function in a schema of search_path that fits better than that of pg_catalog
admin('CREATE EXTENSION pg_stat_statements; GRANT CREATE ON SCHEMA public TO regress_owner');
rows(<<'END_SQL');
INSERT INTO item VALUES (1);
ANALYZE item;
SELECT id FROM item;
CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'my code runs as %', current_user;
	RETURN pg_catalog.quote_ident($1::text);
END $$;
CREATE FUNCTION public.is_name(text, name) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'my code runs as %', current_user;
	RETURN $1 = $2::text;
END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = name, FUNCTION = public.is_name);
END_SQL
my @result = is_safe('search_path', 'workload-check');
is($result[0], 0, 'the queries are read') or diag("@result");
is_safe('search_path', @$_) foreach [ 'status' ], [ 'lint' ], [ 'preflight' ], [ 'plan' ], [ 'check', '--ci' ], [ 'drift' ];
rows('DROP FUNCTION public.quote_ident(name); DROP OPERATOR public.= (text, name); DROP FUNCTION public.is_name(text, name)');

# Between two messages of psql, who may rename the schema of pg_stat_statements puts another one in its place.
{
	admin('CREATE SCHEMA counted AUTHORIZATION regress_owner; ALTER EXTENSION pg_stat_statements SET SCHEMA counted');
	rows(<<'END_SQL');
CREATE FUNCTION public.runs() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'my code runs as %', current_user; RETURN 'SELECT 1'; END $$;
CREATE SCHEMA other;
CREATE VIEW other.pg_stat_statements AS SELECT public.runs() AS query, oid AS dbid, 1 AS calls FROM pg_database;
GRANT USAGE ON SCHEMA other TO PUBLIC;
GRANT SELECT ON other.pg_stat_statements TO PUBLIC;
END_SQL
	append_to_file('swap.sql', "SET lock_timeout = '300ms'; BEGIN; ALTER SCHEMA counted RENAME TO hidden; " .
			"ALTER SCHEMA other RENAME TO counted; COMMIT;\n\\echo done\n");
	append_to_file('psql', <<'END_BASH');
#!/bin/bash
swap='psql -X -q -v ON_ERROR_STOP=1 -U regress_owner -f swap.sql >>swapped 2>>swapped'
text=$(cat)
[[ $text == *"extname = 'pg_stat_statements'"* ]] || exec psql "$@" <<<"$text"
psql "$@" < <(sed -E "s/.gset\$/&\n\\\\! $swap/" <<<"$text")
status=$?
eval "$swap"
exit $status
END_BASH
	chmod 0755, 'psql';
	local $ENV{CMIG_PSQL} = "$dir/psql";
	@result = is_safe('another schema', 'workload-check');
	is($result[0], 0, 'the queries are read') or diag("@result");
	like(slurp_file('swapped'), qr/ERROR:  canceling statement due to lock timeout.*^done/ms, 'the schema keeps its name until then');
	admin('DROP EXTENSION pg_stat_statements');
	gives(2, '', 'the database does not have pg_stat_statements', @as, 'workload-check');
	unlink 'psql';
}

# What the owner adds to the tables of the state is refused by what reads or writes them, with the statement
# that removes it.
rows(<<'END_SQL');
CREATE FUNCTION public.f() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'my code runs as %', current_user;
	RETURN 1;
END $$;
CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.f(); RETURN new; END';
CREATE TYPE public.evil AS ENUM ('a');
CREATE FUNCTION public.to_json(public.evil) RETURNS json LANGUAGE plpgsql AS 'BEGIN PERFORM public.f(); RETURN ''1''; END';
CREATE CAST (public.evil AS json) WITH FUNCTION public.to_json(public.evil);
CREATE DOMAIN public.checked AS text CHECK (public.f() > 0);
CREATE FUNCTION public.compare(text, text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.f(); RETURN bttextcmp($1, $2); END';
CREATE COLLATION public.other FROM "C";
CREATE TABLE public.child () INHERITS (cmig_engine.progress);
DROP TABLE public.child;
END_SQL
admin('CREATE OPERATOR CLASS public.evil_ops FOR TYPE text USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.compare(text, text)');
write_revision('002', '001', '', 'CREATE TABLE part (id bigint);', 'DROP TABLE part;');
my (undef, $script) = cmig('script', 'head');
like($script, qr/cmig_engine\.version/, 'a script');
append_to_file('script.sql', $script);
my $retype = 'As role regress_owner: ALTER TABLE cmig_engine.journal ALTER COLUMN message TYPE text USING message::text::text';
foreach my $case (
	[ 'ALTER TABLE cmig_engine.journal ADD x public.evil DEFAULT \'a\'', 'column x of cmig_engine.journal has an unknown name', 'ALTER TABLE cmig_engine.journal DROP COLUMN x' ],
	[ 'ALTER TABLE cmig_engine.progress ADD "x;y" public.evil', 'column "x;y" of cmig_engine.progress has an unknown name', 'ALTER TABLE cmig_engine.progress DROP COLUMN "x;y"' ],
	[ 'ALTER TABLE cmig_engine.version ADD z int GENERATED ALWAYS AS (public.f()) STORED', 'column z of cmig_engine.version has an unknown name, or is generated', 'ALTER TABLE cmig_engine.version DROP COLUMN z' ],
	[ 'ALTER TABLE cmig_engine.journal DROP file, ADD file text GENERATED ALWAYS AS (repeat(outcome, public.f())) STORED', 'column file of cmig_engine.journal has an unknown name, or is generated', 'ALTER TABLE cmig_engine.journal ALTER COLUMN file DROP EXPRESSION' ],
	[ 'ALTER TABLE cmig_engine.journal ALTER id ADD GENERATED ALWAYS AS IDENTITY', 'column id of cmig_engine.journal has an unknown name, or is generated', 'ALTER TABLE cmig_engine.journal ALTER COLUMN id DROP IDENTITY' ],
	[ 'ALTER TABLE cmig_engine.version ADD CHECK (public.f() > 0)', 'cmig_engine.version has a constraint', 'ALTER TABLE cmig_engine.version DROP CONSTRAINT version_check' ],
	[ 'CREATE INDEX evil ON cmig_engine.version ((public.f()))', 'cmig_engine.version has an index of an expression', 'DROP INDEX cmig_engine.evil' ],
	[ 'CREATE INDEX evil ON cmig_engine.journal (id) WHERE public.f() > 0', 'cmig_engine.journal has an index', 'DROP INDEX cmig_engine.evil' ],
	[ 'CREATE INDEX evil ON cmig_engine.journal (revision public.evil_ops)', 'cmig_engine.journal has an index of an expression, or with operators of others', 'DROP INDEX cmig_engine.evil' ],
	[ 'CREATE STATISTICS public.evil ON (public.f()), version_num FROM cmig_engine.version', 'cmig_engine.version has extended statistics', 'DROP STATISTICS public.evil' ],
	[ 'CREATE RULE r AS ON INSERT TO cmig_engine.version DO ALSO SELECT public.f()', 'cmig_engine.version has a rule', 'DROP RULE r ON cmig_engine.version' ],
	[ 'CREATE TRIGGER "a\'" BEFORE INSERT ON cmig_engine.format FOR EACH ROW EXECUTE FUNCTION public.t()', 'cmig_engine.format has the trigger "a\'"', 'DROP TRIGGER "a\'" ON cmig_engine.format' ],
	[ 'CREATE TABLE public.refers (v varchar REFERENCES cmig_engine.version)', 'cmig_engine.version has the trigger "RI_', 'ALTER TABLE public.refers DROP CONSTRAINT refers_v_fkey' ],
	[ 'ALTER TABLE cmig_engine.version ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON cmig_engine.version USING (public.f() > 0)', 'cmig_engine.version has row-level security', 'ALTER TABLE cmig_engine.version DISABLE ROW LEVEL SECURITY' ],
	[ 'ALTER TABLE cmig_engine.journal ALTER message SET DEFAULT public.f()', 'column message of cmig_engine.journal has a default', 'ALTER TABLE cmig_engine.journal ALTER COLUMN message DROP DEFAULT' ],
	[ 'ALTER TABLE cmig_engine.journal ALTER message TYPE public.checked', 'column message of cmig_engine.journal has another type', $retype ],
	[ 'ALTER TABLE cmig_engine.journal ALTER message TYPE text COLLATE public.other', 'column message of cmig_engine.journal has another type or collation', $retype ],
	[ 'CREATE TABLE public.child () INHERITS (cmig_engine.progress)', 'cmig_engine.progress is not a plain table', 'ALTER TABLE public.child NO INHERIT cmig_engine.progress' ],
	[ 'ALTER TABLE cmig_engine.progress INHERIT public.child', 'cmig_engine.progress is not a plain table', 'ALTER TABLE cmig_engine.progress NO INHERIT public.child' ],
	[ 'ALTER TABLE cmig_engine.version ADD UNIQUE (version_num) DEFERRABLE', 'cmig_engine.version has the trigger "Unique_', 'ALTER TABLE cmig_engine.version DROP CONSTRAINT version_version_num_key' ],
	[ 'CREATE TYPE public.like_format AS (number int); ALTER TABLE cmig_engine.format OF public.like_format', 'cmig_engine.format is not a plain table', 'ALTER TABLE cmig_engine.format NOT OF' ],
	[ 'ALTER TABLE cmig_engine.format SET UNLOGGED', 'cmig_engine.format is not a plain table', 'ALTER TABLE cmig_engine.format SET LOGGED' ])
{
	my ($sql, $what, $repair) = @$case;

	$node->psql('shop', $sql);
	foreach ([ 'status' ], [ 'stamp', '001' ], [ 'stamp', '001', '--sql' ], [ 'upgrade', '-y' ])
	{
		@result = is_safe($sql, @$_);
		like($result[2], qr/^cmig: \Q$what\E[^\n]*\n\Q$repair\E$/m, "refused: @$_") or diag("@result");
		is($result[0], 3, 'its exit status');
	}
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @as, '-f', 'script.sql' ], '>', \my $output, '2>&1');
	like($output, qr/ERROR:  \Q$what\E[^\n]*\nDETAIL:  Code of others [^\n]*\nHINT:  \Q$repair\E$/m, 'a script is refused');
	unlike($output, qr/runs as/, 'and runs nothing');
	# the hint is all that is needed
	if ($repair =~ s/^As role [^:]*: //) { rows($repair); }
	else { admin($repair); }
	gives(0, '001', '', 'status');
}
gives(0, 'at 001', '', @as, 'stamp', '001');

# A table that is missing is created as it was, with its number of the format, or before there was one.
my $tables = q{SELECT string_agg(concat_ws(' ', attrelid::regclass, attname, atttypid::regtype, attnotnull, relowner::regrole,
	pg_get_indexdef(indexrelid)), E'\n' ORDER BY relname, attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_index ON indrelid = c.oid
WHERE relnamespace = 'cmig_engine'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped};
foreach my $older ('', 'DROP TABLE cmig_engine.format; ALTER TABLE cmig_engine.progress DROP objects;
	ALTER TABLE cmig_engine.journal DROP elapsed, DROP sqlstate, DROP message, DROP statement, DROP file')
{
	rows($older);
	my $before = rows($tables);
	foreach my $table (qw(journal progress), $older ? () : 'format')
	{
		rows("DROP TABLE cmig_engine.$table");
		foreach ([ 'status' ], [ 'upgrade', '-y' ], [ 'stamp', '001' ])
		{
			@result = cmig(@as, @$_);
			is("$result[0] " . ($result[2] =~ s/\n.*//sr), "3 cmig: table cmig_engine.$table is missing", "without $table: @$_");
		}
		my ($create) = $result[2] =~ /^Restore it from a backup\. If that cannot be, without its rows: (CREATE TABLE .*)$/m;
		admin($create);
		is(rows($tables), $before, 'it is as it was');
		gives(0, '001', '', @as, 'status');
	}
}
gives(0, 'at 001', '', 'stamp', '001');

# a view, which may remain under another name
rows('ALTER TABLE cmig_engine.progress RENAME TO kept; CREATE VIEW cmig_engine.progress AS TABLE cmig_engine.kept');
foreach ([ 'status' ], [ 'upgrade', '-y' ])
{
	gives(3, '', '^cmig: cmig_engine.progress is not a plain table\nALTER TABLE cmig_engine.progress RENAME TO progress_other\n$', @as, @$_);
}
rows('ALTER TABLE cmig_engine.progress RENAME TO progress_other; ALTER TABLE cmig_engine.kept RENAME TO progress');
gives(0, 'at 002', '', @as, 'upgrade', '-y');
gives(0, 'at 001', '', @as, 'downgrade', '-y', '-1');
rows('DROP VIEW cmig_engine.progress_other');

# an index of plain columns, and names that the tables once had
rows('CREATE INDEX started ON cmig_engine.journal (started_at); ALTER TABLE cmig_engine.journal ADD old text; ALTER TABLE cmig_engine.journal DROP old');
gives(0, '001', '', @as, 'status');

# nothing is read of what nobody has checked
admin('CREATE ROLE regress_third LOGIN; GRANT USAGE, CREATE ON SCHEMA cmig_engine TO regress_third; ALTER TABLE cmig_engine.format RENAME TO other');
$node->safe_psql('shop', 'CREATE VIEW cmig_engine.format AS SELECT public.f() + 1 AS number', extra_params => [ '-U', 'regress_third' ]);
@result = is_safe('a view in place of a table', 'status');
like($result[2], qr/belongs to another role/, 'a view is refused');
admin('DROP VIEW cmig_engine.format; ALTER TABLE cmig_engine.other RENAME TO format; REVOKE CREATE ON SCHEMA cmig_engine FROM regress_third');

# What was checked is what is read: the schema of the state cannot be renamed meanwhile, while that of others
# does not matter.
my $renames = $node->background_psql('shop');
$renames->query_safe('BEGIN; CREATE SCHEMA a; ALTER SCHEMA a RENAME TO b');
gives(0, '001', '', @as, 'status');
gives(0, 'at 001', '', @as, 'stamp', '001');
$renames->query_safe('ALTER SCHEMA cmig_engine RENAME TO c');
my $pid = $renames->query_safe('SELECT pg_backend_pid()');
# the owner also sets the role of the sessions of superusers
foreach my $set ('RESET role', 'SET role = regress_owner')
{
	rows("ALTER DATABASE shop $set");
	foreach ([ 'status' ], [ 'stamp', '001' ])
	{
		gives(4, '', 'an open transaction has renamed or dropped schema cmig_engine\nHINT:  Wait until it has ended. ' .
				"Or end process $pid of role regress_owner: SELECT pg_terminate_backend\\($pid\\)", @as, @$_);
	}
}
rows('ALTER DATABASE shop RESET role');
gives(0, '001', '', 'status');
# where sessions only read, they cannot lock the row of the schema
my $changing = 'another session is changing indexes, statistics, or schemas\nHINT:  Wait until it has ended. Or end process %s of role %s: SELECT pg_terminate_backend\\(%1$s\\)';
admin('ALTER DATABASE shop SET default_transaction_read_only = on');
gives(4, '', sprintf($changing, $pid, 'regress_owner'), @as, 'status');
$renames->query_safe('ROLLBACK');
$renames->quit;
# an index could be created until it has been read
my $indexes = $node->background_psql('shop', extra_params => [ '-U', $superuser ]);
$indexes->query_safe('BEGIN READ WRITE; LOCK TABLE pg_index IN ROW EXCLUSIVE MODE');
gives(4, '', sprintf($changing, $indexes->query_safe('SELECT pg_backend_pid()'), $superuser), @as, 'status');
$indexes->query_safe('ROLLBACK');
$indexes->quit;
gives(0, '001', '', @as, 'status');
admin('SET default_transaction_read_only = off; ALTER DATABASE shop RESET default_transaction_read_only');

# Nor are children read that a table gets after it was checked: psql runs their owner's script after a check.
{
	my @tables = qw(version journal progress format);
	my $inherit = sub { join('', map { "ALTER TABLE public.of_$_ $_[0] cmig_engine.$_;\n" } @tables) };

	rows("CREATE TABLE public.of_$_ (LIKE cmig_engine.$_); CREATE INDEX ON public.of_$_ ((public.f()))") for @tables;
	append_to_file('inherit.sql', "SET lock_timeout = '300ms';\n" . $inherit->('INHERIT') . "\\echo done\n");
	append_to_file('psql', <<"END_BASH");
#!/bin/bash
as_owner='psql -X -q -v ON_ERROR_STOP=1 -U regress_owner -f inherit.sql >>inherited 2>>inherited'
exec psql "\$@" < <(sed -E 's/^'"\$check"'\$/&\\n\\\\! '"\$as_owner/")
END_BASH
	chmod 0755, 'psql';
	local $ENV{CMIG_PSQL} = "$dir/psql";
	foreach ([ 'status' ], [ 'current' ], [ 'history' ], [ 'load' ], [ 'upgrade', '-y' ], [ 'downgrade', '-y', '-1' ])
	{
		local $ENV{check} = $_->[0] =~ /^(?:load|upgrade|downgrade)/ ? '.cmig_check[$];' : 'FROM state .gset';
		unlink 'inherited';
		is((is_safe('children', @$_))[0], 0, "@$_ reads the tables without children");
		like(slurp_file('inherited'), qr/^done/m, 'which they have got');
		$node->psql('shop', $inherit->('NO INHERIT'));
	}
	rows("DROP TABLE public.of_$_") for @tables;
}

# what moves to and from the extension
admin('CREATE EXTENSION pg_cmig; CREATE INDEX evil ON cmig_engine.version ((public.f()))');
{
	rename 'cmig.conf', 'engine.conf';
	foreach ([ 'import', 'engine', '--state' ], [ 'export', 'engine', '--state' ])
	{
		@result = is_safe('an index', @$_);
		like($result[2], qr/ERROR:  cmig_engine.version has an index of an expression.*\nHINT:  DROP INDEX cmig_engine.evil/, 'refused');
	}
	admin('DROP INDEX cmig_engine.evil');
	gives(0, '001', '', @as, 'import', 'engine', '--state');
	gives(0, '001', '', @as, 'export', 'engine', '--state');
	admin('DROP EXTENSION pg_cmig');
	rename 'engine.conf', 'cmig.conf';
}
gives(0, 'at 002', '', @as, 'upgrade', '-y');
gives(0, 'at 001', '', @as, 'downgrade', '-y', '-1');
unlink 'migrations/002.sql';

# In the engine, "$user" in search_path means the role of the database, and what functions of the database
# call there is not recorded.
admin('CREATE ROLE regress_creator LOGIN; GRANT CREATE ON DATABASE shop TO regress_creator');
$node->safe_psql('shop', <<'END_SQL', extra_params => [ '-U', 'regress_creator' ]);
CREATE SCHEMA cmig_engine_owner;
GRANT USAGE ON SCHEMA cmig_engine_owner TO PUBLIC;
CREATE FUNCTION cmig_engine_owner.quote_ident(name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'my code runs as %', current_user;
	PERFORM cmig.disable_rls('secret');
	RETURN $1;
END $$;
END_SQL
admin('CREATE TABLE secret (id bigint)');
write_revision('002', '001', '', "SELECT cmig.enable_rls('secret', 'id', roles => '{regress_owner}');", 'SELECT 1;');
gives(0, 'at 002', '', @as, 'upgrade', '-y');
my $secured = "SELECT relrowsecurity FROM pg_class WHERE relname = 'secret'";
is(admin($secured), 't', 'a table has row security');
my $call = "SELECT cmig.enable_rls('item', 'id', roles => '{regress_owner}');";
write_revision('003', '002', '', "SELECT quote_ident('a'::name);\n$call", 'SELECT 1;');
@result = is_safe('$user', 'drift');
unlike($result[1], qr/cmig_engine_owner/, 'its schema is not copied');
@result = is_safe('$user', 'script', 'head');
like($result[1], qr/^SELECT quote_ident\('a'::name\)/m, 'the statement is in the script') or diag("@result");
unlike($result[1], qr/DROP POLICY|secret DISABLE/, 'and nothing of the other table');
is_safe('$user', @$_) foreach [ 'dry-run' ], [ 'round-trip' ];
rows(<<'END_SQL');
CREATE FUNCTION public.nested() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF current_database() ~ '^cmig_copy_' THEN
		PERFORM cmig.disable_rls('secret');
	END IF;
	RETURN 'id';
END $$;
END_SQL
foreach my $nested ("SELECT public.nested();\n$call", $call =~ s/'id'/public.nested()/r, "DO 'BEGIN PERFORM public.nested(); END';\n$call")
{
	write_revision('003', '002', '', $nested, 'SELECT 1;');
	gives(3, '', 'ERROR:  statement 1 of revision "003" runs code that calls a function of pg_cmig', @as, 'upgrade', '-y');
}
is(admin($secured), 't', 'the table still has row security');

# A table that is missing when it is locked and checked is not read, not even if it exists a moment later.
{
	my $place = `bash -c '. "\$1"; source_parts; use_shape; target_place' bash $CmigShell::cmig`;

	append_to_file('view.sql', "CREATE VIEW cmig_engine.version AS SELECT public.seen()::text AS version_num;\n");
	rows(q{ALTER TABLE cmig_engine.version RENAME TO hidden; CREATE FUNCTION public.seen() RETURNS int LANGUAGE plpgsql AS
		$$ BEGIN RAISE WARNING 'my code runs as %', current_user; RETURN 1; END $$});
	ok($place =~ s/^(?=SELECT concat\('database ')/\\! psql -X -q -U regress_owner -f view.sql\n/m, 'the place is read after a check');
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @as ], '<', \$place, '>&', \my $output);
	like($output, qr/ERROR:  table cmig_engine\.version is missing\n/, 'a missing table is refused');
	unlike($output, qr/runs as/, 'and no view is read in its place');
	rows('DROP VIEW IF EXISTS cmig_engine.version');

	# nor if it exists when only its shape was read
	my $slow = `bash -c '. "\$1"; source_parts; use_shape; target_place' bash $CmigShell::cmig`;
	my $gate = $node->background_psql('shop', extra_params => [ '-U', $superuser ]);
	ok($slow =~ s/^(?=\t-- what is missing now)/\tPERFORM pg_advisory_xact_lock(1);\n/m, 'a check that waits');
	$gate->query_safe('SELECT pg_advisory_lock(1)');
	append_to_file('check.sql', $slow);
	my $check = IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @as, '-f', 'check.sql' ], '<', \undef, '>&', \$output);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") or die $output;
	IPC::Run::run([ 'psql', '-X', '-q', '-U', 'regress_owner', '-f', 'view.sql' ]);
	$gate->quit;
	$check->finish;
	like($output, qr/ERROR:  table cmig_engine\.version is missing\n/, 'a view that was created meanwhile is refused');
	unlike($output, qr/runs as/, 'and not read');
	rows('DROP VIEW IF EXISTS cmig_engine.version; ALTER TABLE cmig_engine.hidden RENAME TO version; DROP FUNCTION public.seen()');
}

# Another role creates what the script of a policy on DDL creates, between any two of its statements.
append_to_file('evil.sql', <<'END_SQL');
SET lock_timeout = '300ms';
CREATE SCHEMA cmig_engine_ddl;
CREATE TABLE cmig_engine_ddl.ddl_log (at timestamptz NOT NULL, command text NOT NULL, object_type text, object text, role name NOT NULL,
	application_name text, client_address inet, transaction_id xid8 NOT NULL, query text, reason text);
CREATE FUNCTION cmig_engine_ddl.t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'my code runs as %', current_user; RETURN new; END$$;
CREATE TRIGGER t BEFORE INSERT ON cmig_engine_ddl.ddl_log FOR EACH ROW EXECUTE FUNCTION cmig_engine_ddl.t();
END_SQL
(undef, my $policy) = cmig('ddl-script', 'log');
my @statements = split /(?<=;\n)(?=(?:BEGIN|SET|DROP|DO|LOCK|CREATE) )/, $policy =~ s/^DROP FUNCTION.*//msr;
my $rest = $policy =~ s/^.*?(?=^DROP FUNCTION)//msr;
cmp_ok(scalar @statements, '>', 6, 'the script has several statements');
foreach my $number (0 .. $#statements)
{
	my $output;
	my $text = "SET default_transaction_isolation = serializable;\n" . join('', @statements[ 0 .. $number ]) . "\\! psql -X -q -U regress_creator -f evil.sql\n" . join('', @statements[ $number + 1 .. $#statements ]) . $rest;

	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @as ], '<', \$text, '>&', \$output);
	my ($ret, undef, $err) = $node->psql('shop', 'CREATE TABLE changed (); DROP TABLE changed', extra_params => [ '-U', $superuser ]);
	unlike("$output$err", qr/runs as/, "another role has created it after statement $number");
	is(admin("SELECT count(*) FROM pg_event_trigger t, pg_namespace n WHERE evtname ~ '^cmig_engine_' AND nspname = 'cmig_engine_ddl' AND nspowner = 'regress_creator'::regrole"),
		'0', 'no policy depends on its objects');
	admin('DROP SCHEMA IF EXISTS cmig_engine_ddl CASCADE');
}
admin('DROP SCHEMA cmig_engine_owner CASCADE; DROP FUNCTION public.nested; DROP TABLE secret');
unlink 'migrations/002.sql', 'migrations/003.sql';
gives(0, 'at 001', '', @as, 'stamp', '001', '--purge');

# In GBK, the last byte of the Chinese character and the backslash after it are a character.
SKIP:
{
	skip 'there is no Chinese locale', 7 if system("localedef -i zh_CN -f GBK '$dir/zh_CN.GBK' >/dev/null 2>&1") != 0;
	local @ENV{qw(LOCPATH LANG)} = ($dir, 'zh_CN.GBK');
	delete local @ENV{qw(LC_ALL LC_CTYPE)};
	my $character = "\xe4\xb8\xad";
	# a name cannot contain a folder
	my $name = "$character\\' $character\\! touch ran #";

	local $ENV{name} = $name;
	is(`bash -c '. "\$1"; source_parts; quote "\$name"; printf %s "\$QUOTED"' bash $CmigShell::cmig`,
		"'" . ($name =~ s/\\/\\\\/gr =~ s/'/''/gr) . "'", 'quotes in an encoding in which a backslash can be a part of a character');
	rows("SET client_encoding = 'UTF8'; CREATE TABLE \"$name\" (id bigint)");
	gives(0, '', '', @$_) foreach [ 'lint' ], [ 'dry-run' ];
	rows("SET client_encoding = 'UTF8'; DROP TABLE \"$name\"");
	write_revision('002', '001', '', 'SELECT 1;', 'SELECT 1;');
	rename 'migrations/002.sql', "migrations/002_$name.sql" or die;
	gives(0, '', '', @$_) foreach [ 'status' ], [ 'check' ], [ 'upgrade', '-y' ];
	unlink "migrations/002_$name.sql";
	gives(0, '', '', 'stamp', '001', '--purge');
	ok(!-e 'ran', 'no command in a name runs');
	unlink 'ran';
}

flock $users, LOCK_UN;
done_testing();
