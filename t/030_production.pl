# Copyright (c) 2026, the pg_cmig developers

# Runs every example in doc/production.md and doc/pytest.md, and tests that it prints
# what the page shows; see DocExamples.pm.  Also runs the jobs in the pages on CI, from the
# archive that make dist creates; programs that install packages or download the archive
# are replaced.

use strict;
use warnings;

use File::Basename;
use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use DocExamples;
use PostgreSQL::Test::Utils;
use Test::More;

my %tools = (
	'python3-psycopg' => [ 'python3', '-c', 'import psycopg' ],
	'python3-pytest' => [ 'python3', '-m', 'pytest', '--version' ],
	'python3-sqlalchemy' => [ 'python3', '-c', 'import psycopg2, sqlalchemy' ],
	'pgbouncer' => [ 'pgbouncer', '--version' ],
	'node-pg' => [ 'node', '-e', 'require("pg")' ]);
my %needed = (
	production => [qw(python3-psycopg python3-sqlalchemy pgbouncer node-pg)],
	pytest => [qw(python3-psycopg python3-pytest)]);
my $node = new_node('production', 'max_connections = 40');

$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN CREATEDB');
foreach my $page (sort keys %needed)
{
  SKIP:
	{
		my @missing = grep { !need_tool($_, @{ $tools{$_} }) } @{ $needed{$page} };
		skip "not installed: @missing", 1 if @missing;
		ok(DocExamples->new($node, "$CmigNode::top/doc/$page.md", $page eq 'pytest' ? 'whole' : 'sections')->run, "doc/$page.md");
	}
}

# jobs(FILE): returns the shell commands of each code block of a page, or of a file in
# YAML: what is behind "run: |", "before_script:", and "script:" in YAML, and everything
# in other blocks
sub jobs
{
	my ($file) = @_;
	my $text = slurp_file("$CmigNode::top/$file");
	my @jobs;

	$text = "```yaml\n$text```\n" if $file =~ /\.yml$/;

	while ($text =~ /^```(\w*)\n(.*?)^```/msg)
	{
		my ($yaml, $block) = ($1, $2);
		my $job = '';

		$job = $block if !$yaml;
		$job .= $2 while $block =~ /^( *)(?:- )?run: \|\n((?:\1 .*\n)+)/mg;
		while ($block =~ /^( +)(?:before_)?script:\n((?:\1 .*\n)+)/mg)
		{
			my $list = $2;

			$list =~ s/^ +- (?:\|\n)?//mg;
			$job .= $list;
		}
		push @jobs, $job if $job ne '';
	}
	return @jobs;
}

my $work = PostgreSQL::Test::Utils::tempdir();
my $has_archive = -e "$CmigNode::top/.git" && need_tool('git', 'git', '--version') && need_tool('unzip', 'unzip', '-v');

sub program
{
	my ($name, $text) = @_;

	append_to_file("$work/bin/$name", "#!/bin/sh\n$text\n");
	chmod 0755, "$work/bin/$name";
}

SKIP:
{
	skip 'make dist needs git, and the jobs unzip', 2 if !$has_archive;
	local %ENV = (%ENV, GIT_CONFIG_COUNT => 3, GIT_CONFIG_KEY_0 => 'safe.directory', GIT_CONFIG_VALUE_0 => '*', GIT_CONFIG_KEY_1 => 'user.name', GIT_CONFIG_VALUE_1 => 'x', GIT_CONFIG_KEY_2 => 'user.email', GIT_CONFIG_VALUE_2 => 'x');
	system_or_bail('make', '-s', '-C', $CmigNode::top, "DIST_DIR=$work", 'dist');
	my ($archive) = glob("$work/pg_cmig-*.zip");
	mkdir "$work/bin";
	program('apt-get', 'exit 0');
	program('apt-cache', 'exit 0');
	program('sudo', 'exec "$@"');
	program('pg_virtualenv', '[ "$1" != -v ] || shift 2; exec "$@"');
	program('make', "test -f $work/tmp/pg_cmig/Makefile && case \$* in *install-links) ln -sf $work/tmp/pg_cmig/bin/cmig $work/bin/ ;; esac");
	program('curl', <<"END");
while [ \$# -gt 1 ]; do case \$1 in -o) out=\$2 ;; esac; shift; done
case \$1 in *.zip) cat $archive >"\${out:-/dev/stdout}" ;; *) exit 22 ;; esac
END

	$node->safe_psql('postgres', 'CREATE DATABASE production');
	foreach my $page (qw(doc/github-actions.md doc/gitlab-ci.md share/ci/action.yml share/ci/gitlab-ci.yml))
	{
		my $number = 0;
		my ($commands) = slurp_file("$CmigNode::top/$page") =~ /^ *CMIG_COMMANDS: \|\n((?:      .*\n)+)/m;

		system_or_bail('rm', '-rf', "$work/project", "$work/released");
		mkdir "$work/project";
		system_or_bail('cp', '-R', "$CmigNode::top/migrations/mnfst_rag", "$work/project/migrations");
		append_to_file("$work/project/cmig.conf", "folder = migrations\n");
		system_or_bail('sh', '-c', "cd '$work/project' && git init -q && git add . && git commit -q -m start && git update-ref refs/remotes/origin/main HEAD");
		foreach my $job (jobs($page))
		{
			my $db = basename($page) . '-' . ++$number;
			local @ENV{qw(PGHOST PGPORT PGDATABASE PATH GITHUB_BASE_REF PG_CMIG PGVERSION COMMANDS CMIG_COMMANDS CMIG_PACKAGES)} =
			  ($node->host, $node->port, $db, "$work/bin:$ENV{PATH}", 'main', 'https://example.test/pg_cmig.zip', '17', $commands // '', $commands // '', '');

			# that of the runner is not the one to test with
			local $ENV{DATABASE_URL} = 'postgresql:///production?host=' . $node->host . '&port=' . $node->port;
			delete $ENV{DATABASE_URL} if $job !~ m{DATABASE_URL=postgresql:///\s};
			# the script of the other job in the file
			$job =~ s/^bash -ec .*\n//m if $page =~ /^share.*gitlab/;
			$node->safe_psql('postgres', "CREATE DATABASE \"$db\"");
			$node->safe_psql($db, 'CREATE EXTENSION pg_cmig') if "$job$ENV{COMMANDS}" !~ /cmig init/;
			if ($job =~ /^ *(?:- )?curl/m)
			{
				system_or_bail('rm', '-rf', "$work/tmp", "$work/bin/cmig");
				mkdir "$work/tmp";
			}
			$job =~ s{(?<!\w)/tmp(?=[/\s])}{$work/tmp}g;
			command_ok([ 'bash', '-ec', "cd '$work/project'\n$job" ], "$page: job $number");
		}
		is($number, $page =~ /^doc/ ? 3 : 1, "$page: the number of blocks");
		is($node->safe_psql('production', "SELECT to_regnamespace('cmig')"), '', "$page: only in its own database");

		# the same files for a database without the extension
		next if $page =~ /^doc/;
		my ($job) = jobs($page);
		$job =~ s/^.*pg_virtualenv bash.*\n//m if $page =~ /gitlab/;
		my $deploy = '';
		my $db = basename($page) . '-engine';
		$deploy = $1 if slurp_file("$CmigNode::top/$page") =~ /CMIG_COMMANDS: \|\n((?:      .*engine local.*\n)+)/;
		local @ENV{qw(XDG_CACHE_HOME PATH DATABASE_URL URL PG_CMIG PGVERSION COMMANDS CMIG_COMMANDS CMIG_PACKAGES)} =
		  (PostgreSQL::Test::Utils::tempdir_short(), "$work/bin:$ENV{PATH}", ("postgresql:///$db?host=" . $node->host . '&port=' . $node->port) x 2, 'https://example.test/pg_cmig.zip', '17', $deploy, $deploy, '');
		delete local @ENV{qw(PGHOST PGPORT PGDATABASE)};
		$node->safe_psql('postgres', "CREATE DATABASE \"$db\"");
		system_or_bail('rm', '-rf', "$work/tmp", "$work/bin/cmig");
		mkdir "$work/tmp";
		$job =~ s{(?<!\w)/tmp(?=[/\s])}{$work/tmp}g;
		command_ok([ 'bash', '-ec', "cd '$work/project'\n$job" ], "$page: a database without the extension");
		is($node->safe_psql($db, 'SELECT count(*) FROM cmig_engine.version'), '1', "$page: it is upgraded");
	}
}

$node->stop;
done_testing();
