# Copyright (c) 2026, the pg_cmig developers

# Tests the commands in hints.  Whatever looks like a command in a hint is run in a
# scratch database and rolled back.  The hints come from the tests' expected output;
# for other hints, the placeholders in the source strings are filled in.  The objects
# that a command names need not exist, but the command must parse, and it must call
# pg_cmig's functions as they are declared.  What cmig shows in place of a command is a
# verb with its options, which cmig must have.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('hints', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_cmig;
CREATE TABLE pasted (place text, line text, command text);

-- run a command, its end cut off word by word until it parses; undo it
CREATE FUNCTION run(text, OUT command text, OUT state text, OUT message text)
LANGUAGE plpgsql AS $$
BEGIN
	command := $1;
	LOOP
		BEGIN
			EXECUTE command;
			RAISE EXCEPTION USING ERRCODE = 'UNDO0';
		EXCEPTION WHEN OTHERS THEN
			state := SQLSTATE;
			message := SQLERRM;
		END;
		EXIT WHEN state <> '42601' OR command !~ '\s';
		command := regexp_replace(command, '\s+\S*$', '');
		IF command ~ '\s' THEN
			command := regexp_replace(command, '[.,;:]+$', '');
		END IF;
	END LOOP;
END
$$;

-- functions, tables, and settings
CREATE FUNCTION is_known(name text) RETURNS boolean LANGUAGE sql AS $$
	SELECT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace AND proname = name)
		OR EXISTS (SELECT FROM pg_class WHERE relnamespace = 'cmig'::regnamespace AND relname = name)
		OR EXISTS (SELECT FROM pg_settings s WHERE s.name = 'cmig.' || $1)
$$;
SQL

# Returns $text with names and values in place of its placeholders.
sub filled
{
	my ($text) = @_;

	$text =~ s/, \.\.\.\]/]/g;
	$text =~ s/::<[\w ]+>/::pg_catalog.pg_class/g;
	$text =~ s/(?<=[(=,] )<[\w ]+>|(?<=\()<[\w ]+>/NULL/g;
	$text =~ s/(?<!')<[\w ]+>(?!')/placeholder/g;
	return $text;
}

my $verb = qr/SELECT[ ](?=\*|DISTINCT|[a-z_]+\.|[a-z_]+\() | CALL[ ](?=cmig\.\w+\() | UPDATE[ ](?=[a-z_]+\.)
	| DELETE[ ]FROM[ ] | SET[ ](?=[a-z_.]+[ ]=[ ]) | GRANT[ ](?=.*[ ]TO[ ]) | REVOKE[ ](?=.*[ ]FROM[ ])
	| (?:ALTER|DROP)[ ](?=(?:TABLE|INDEX|POLICY|ROLE|DATABASE|EXTENSION|RULE|TRIGGER|VIEW|ROUTINE|FUNCTION)[ ])
	| CREATE[ ](?=(?:ROLE|SCHEMA)[ ]|(?:INDEX|POLICY)[ ].*[ ]ON[ ])/x;
my $arguments = qr/(\((?:[^()]|(?-1))*\))/;

# Returns the commands in a hint, each as long as possible.
sub commands
{
	my ($hint) = @_;
	my @found;

	while ($hint =~ /(?<![\w'"])($verb.*)/g)
	{
		my $command = $1;

		pos($hint) = $-[0] + 3;
		next if substr($hint, 0, $-[0]) =~ /=> '[^']*$|UPDATE \S+ $/;
		# the sentence after a command describes the command
		$command =~ s/ (?:finishes|goes|lists|makes|prints|removes|shows|takes|tells)\b.*//;
		push @found, $command;
	}
	# a function call inside a sentence
	while ($hint =~ /(?<![\w.])(?<!FROM )(?<!SELECT )(?<!CALL )(cmig\.[a-z_]+$arguments)/g)
	{
		push @found, "SELECT $1" if $2 ne '()';
	}
	return @found;
}

sub literal
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

# the hints of errors, and those that functions return
my %hints;
my $expected = "$FindBin::RealBin/../expected";
foreach my $file (glob("$expected/*.out"))
{
	my $name = $file =~ s/.*\///r;

	foreach my $line (split /\n/, slurp_file($file))
	{
		if ($line =~ /^HINT:  (.*)/)
		{
			$hints{$1} //= $name;
		}
		else
		{
			# what comes before the first column's end may be the test's own statement
			my (undef, @cells) = split /(?<!\|)\|(?!\|)/, $line;

			foreach my $cell (@cells)
			{
				$cell =~ s/^\s+|\s+$//g;
				$hints{$cell} //= $name if $cell =~ /^(?:SELECT|CALL) .*\bcmig\./;
			}
		}
	}
}
cmp_ok(scalar(keys %hints), '>', 400, 'there are hints');

# the hints in the sources, as regular expressions that match them with values
# filled in
my $string = qr/"((?:[^"\\]|\\.)*)"/;
my ($in_sources, $unexpected) = (0, 0);
foreach my $file (glob("$FindBin::RealBin/../src/*/*.c"), "$FindBin::RealBin/../pg_cmig.c")
{
	my $source = slurp_file($file);

	while ($source =~ /(?:errhint(?:_plural)?\(|cmig_hint(?:_text)?\((?:psprintf\()?|hint = psprintf\()\s*($string(?:\s*$string)*)/g)
	{
		my $text = join('', $1 =~ /$string/g) =~ s/\\(.)/$1/gr;
		$text =~ tr/`//d;
		my $filled = quotemeta($text) =~ s/\\%(?:ll|l|z)?[a-z]/.*/gr;

		$in_sources++;
		next if $text =~ /^%s$/ || grep { /^$filled/ } keys %hints;
		$unexpected++;
		# a number, a string, or a name
		$text =~ s/%(?:ll|l|z)?[du]/1/g;
		$text =~ s/'%s'/'x'/g;
		$text =~ s/(?<=\(|, )%s(?=[,)])/NULL/g;
		$text =~ s/(?<= = |=> )%s/'x'/g;
		$text =~ s/%s(?= =>)/include/g;
		$text =~ s/(?<=cmig\.)%s(?=_stepwise)/upgrade/g;
		$text =~ s/%s/placeholder/g;
		$hints{$text} = $file =~ s/.*\/src\///r;
	}
}
cmp_ok($in_sources, '>', 300, 'there are hints in the sources');
note("$unexpected of $in_sources hints in the sources are not in the expected output");

# what is written between backquotes
my ($verbs) = slurp_file("$CmigNode::top/bin/cmig") =~ /^VERBS="(.*?)"$/ms;
my %options = map { my ($verb, undef, $options) = split /;/; $verb => " $options " } split /\n/, $verbs;
my %shared = slurp_file("$CmigNode::top/bin/cmig") =~ /^([A-Z]+)='(.*)'$/mg;
s/\$([A-Z]+)/$shared{$1}/g foreach values %options;
my $hint_c = slurp_file("$CmigNode::top/src/base/hint.c");
my %renamed = $hint_c =~ /^\t\{"(\w+)", "([\w-]+)/mg;
my (@unknown, @unmarked);

# Returns whether cmig has a verb with these options.
sub has_verb
{
	my ($command) = @_;

	foreach my $name ($command =~ /cmig\.([a-z]\w*)(?! = |\w)/g)
	{
		my $options = $options{ $renamed{$name} // $name =~ tr/_/-/r };

		next if $name eq 'scope' || $name eq 'protect';
		return 0 if !$options || grep { !/^(?:confirm|target)$/ && $options !~ / @{[tr!_!-!r]} / } $command =~ /(\w+) => /g;
	}
	return 1;
}
foreach my $file (glob("$CmigNode::top/src/*/*.c $CmigNode::top/pg_cmig.c $CmigNode::top/pg_cmig--1.2.sql"))
{
	my $source = slurp_file($file);

	push @unknown, map { "$file: $_" } grep { !has_verb($_) } $source =~ /`((?:SELECT |CALL |SET |RESET |%s)?(?![.,])[^`\n]*cmig\.[^`\n]*)`/g;
	# the rest of a larger query remains SQL
	push @unmarked, map { "$file: $_" } $source =~ /\b(?:errhint|psprintf)\("(SET cmig_var\.[^\n]*)/g;
	push @unmarked, map { "$file: $_" } grep { has_verb($_) && !/cmig\.revision/ }
	  map { /(?<!`)((?:SELECT \*(?: FROM)?|SELECT|CALL) cmig\.\w+\([^()]*\))(?!`| WHERE| LIMIT|::)/g } $source =~ /\berrhint\((.*)/g;
}
is(join("\n", @unmarked), '', 'such commands are between backquotes');
is(join("\n", @unknown), '', 'cmig has the verbs and options that stand for commands between backquotes');

my %names;
my ($sql, $count) = ('', 0);
my @commands;
foreach my $hint (sort keys %hints)
{
	$names{$1} //= $hint while $hint =~ /(?<![\w.'\[])cmig\.([a-z_]+)/g;
	foreach my $command (commands($hint))
	{
		# An ellipsis is for the reader to fill in, commands that end sessions are not
		# run, and Citus's functions do not exist here.
		next if $command =~ /\.\.\.(?!\])|pg_terminate_backend|ALTER SYSTEM|pg_catalog\.citus_/;
		$count++;
		push @commands, filled($command) if index($hint, "superuser: $command") < 0;
		$sql .= 'INSERT INTO pasted VALUES (' . join(', ', map { literal($_) } $hints{$hint}, $hint, filled($command)) . ");\n";
	}
}
$node->safe_psql('postgres', $sql);
cmp_ok($count, '>', 100, 'the hints contain commands');

is($node->safe_psql('postgres', q{SET client_min_messages = error; SELECT p.place, p.line, r.command, r.state, r.message
	FROM pasted p, LATERAL run(p.command) r
	WHERE r.state IN ('42601', '42883', '42703', 'XX000') OR r.state = '42P01' AND r.message ~ '"cmig\.'
	ORDER BY 1, 2}), '', 'each command parses, and calls only functions that exist');
is($node->safe_psql('postgres', "LOAD 'pg_cmig'; SELECT name FROM unnest(ARRAY[" . join(', ', map { literal($_) } sort keys %names) . ']) AS name WHERE NOT is_known(name)'),
	'', 'everything of pg_cmig that hints name exists');

# Hints are typed by the owner of the database, who is not a superuser, in a new session,
# which has not loaded the library.  What the command lacks is only what it names, and what
# belongs to the cluster: roles, and the state of replicas, about which errors have hints.
my %typed = map { $_ => 1 } @commands;
foreach my $text (map { slurp_file($_) =~ s/''/'/gr } glob("$CmigNode::top/share/cmig/*.bash $CmigNode::top/share/cmig/*.sql $CmigNode::top/pg_cmig--1.2.sql $CmigNode::top/README.md"))
{
	$typed{$_} = 1 foreach $text =~ /(SELECT cmig\.set_option\('[^']*', '[^']*'\)|ALTER (?:DATABASE|ROLE) [%\w]+ (?:IN DATABASE [%\w]+ )?SET cmig\.\w+ = '[^']*')/g;
}
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE owned OWNER owner');
sub by_owner
{
	my $script = join('', map { "\\connect -\nBEGIN;\n$_;\nROLLBACK;\n" } map { s/DATABASE [%\w]+/DATABASE owned/r =~ s/ROLE [%\w]+/ROLE owner/r } @_);
	my $err;
	local $ENV{PGOPTIONS} = '-c statement_timeout=10s';

	$node->psql('owned', $script, stderr => \$err, extra_params => [ '-U', 'owner' ], on_error_stop => 0);
	return join("\n", $err =~ /^.*(?:must be superuser|permission denied to (?!create role|read the state of the replicas)|unrecognized configuration parameter|permission denied for .*cmig).*$/mg);
}
$node->psql('owned', 'CREATE EXTENSION pg_cmig', extra_params => [ '-U', 'owner' ]);
is(by_owner(sort keys %typed), '', 'the owner of a database can type what hints say');
like(by_owner("ALTER DATABASE owned SET cmig.lock_timeout = '5s'"), qr/permission denied to set parameter/, 'what the owner cannot type would be found');

# tests that a wrong hint would be found
is($node->safe_psql('postgres', q{SELECT string_agg(state, ' ') FROM (VALUES ('SELECT cmig.upgrade(true)'), ('CALL cmig.nothing()'), ('DELETE cmig.progress')) v (c), run(v.c)}),
	'42883 42883 42601', 'a call of a missing function is detected');

$node->stop;
done_testing();
