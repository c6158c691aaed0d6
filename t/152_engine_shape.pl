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
