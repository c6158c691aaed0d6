# Copyright (c) 2026, the pg_cmig developers

# Uses pg_dump to check the results of cmig.diff.
#
# A pair consists of two SQL scripts, a and b, which create the databases A and B.  The
# upgrade statements that cmig.diff() returns in A for the target b are run in A.  The
# dump of A must then equal the dump of B, and a second diff must be empty.  After the
# downgrade statements are run, the dump must equal A's first dump.  The diff between A
# and the target a must be empty.
#
# The environment (PGHOST, PGPORT, and so on) specifies the server.  The databases have
# unique names and are dropped.

package SchemaJudge;

use strict;
use warnings;

use Exporter 'import';
use File::Temp qw(tempdir);
use IPC::Open3;
use JSON::PP ();
use Symbol qw(gensym);

# parts of this package
use SchemaJudge::Dumps;
use SchemaJudge::Shrink;
use SchemaJudge::Texts;

our @EXPORT_OK = qw(split_statements read_pairs first_difference);

# The roles that pairs may name.
our @ROLES = ('regress_diff_a', 'regress_diff_b', 'regress diff "c"');

# The last error in a script that only a superuser can run, or that creates objects that
# exist already.
my $FORBIDDEN = qr/^(?:line \d+: )?ERROR:  (?:permission denied|must be |only superuser|.* must not be internal|aggregate transition data type|extension ".*" already exists)/m;

my $count = 0;

# new(OPTION => VALUE...): options are
#   arguments  further arguments of cmig.diff, as SQL (", owners => true")
#   setup      SQL that is run in every database first, after pg_cmig was made
#   role       who owns the databases, loads, calls cmig.diff, and applies; default
#              whoever connects.  Statements that this role cannot
#              run are left out
#   dump       options of pg_dump
#   file       go by way of a revision file: cmig.autogenerate, load, upgrade, downgrade
#   stages     the same, with a file for each stage
sub new
{
	my ($class, %options) = @_;
	my $self = bless {
		arguments => ', owners => true',
		setup => '',
		dump => [],
		prefix => "cmig_judge_$$",
		dir => tempdir(CLEANUP => 1),
		parent => $$,
		%options
	}, $class;

	$ENV{PGOPTIONS} = ($ENV{PGOPTIONS} // '') . ' -c client_min_messages=warning';
	$ENV{PSQLRC} = '/dev/null';
	# Debian's wrapper around psql takes longer than a small query.
	my $bin = `pg_config --bindir 2>/dev/null`;
	chomp $bin;
	$self->{bin} = -x "$bin/psql" ? "$bin/" : '';
	$self->sql('postgres', join('', map {
		'DO $$ BEGIN CREATE ROLE ' . quoted($_) . "; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END \$\$;\n"
	} @ROLES));
	$self->make_role if $self->{role};
	$self->{template} = $self->make_database('template1');
	$self->sql($self->{template}, $self->as_role . 'CREATE EXTENSION pg_cmig;');
	# pg_dump asks for the definition of each function that has privileges, also of those that it does not dump
	$self->sql($self->{template}, <<'SQL');
CREATE TEMP TABLE member AS SELECT objid FROM pg_depend JOIN pg_extension e ON e.oid = refobjid AND extname = 'pg_cmig'
WHERE classid = 'pg_proc'::regclass AND refclassid = 'pg_extension'::regclass;
UPDATE pg_proc SET proacl = NULL WHERE oid IN (SELECT objid FROM member);
DELETE FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid IN (SELECT objid FROM member);
-- it reads all comments, and prints none of these
DELETE FROM pg_description WHERE classoid NOT IN ('pg_namespace'::regclass, 'pg_extension'::regclass)
AND (objoid < 16384 OR (classoid, objoid) IN (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'));
VACUUM FULL pg_description;
SQL
	$self->sql($self->{template}, $self->{setup});
	return $self;
}

# make_role(): creates the role, and allows it to create objects for the pairs' roles
sub make_role
{
	my ($self) = @_;
	my $role = quoted($self->{role});

	$self->sql('postgres', 'DO $$ BEGIN ' . "CREATE ROLE $role;"
		  . ' EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;');
	$self->sql('postgres', 'GRANT ' . join(', ', map { quoted($_) } @ROLES) . " TO $role;");
}

sub quoted
{
	my ($name) = @_;

	$name =~ s/"/""/g;
	return "\"$name\"";
}

# as_role(): returns the first statements of a script, which set the role
sub as_role
{
	my ($self) = @_;

	return $self->{role} ? 'SET SESSION AUTHORIZATION ' . quoted($self->{role}) . ";\n" : '';
}

# finish(): drops all databases
sub finish
{
	my ($self) = @_;

	$self->drop_database($self->{template});
}

# run(COMMAND...): returns (exit status, stdout, stderr)
sub run
{
	my ($self, @command) = @_;
	my $base = "$self->{dir}/out." . $$;

	my $pid = fork() // die "fork: $!\n";
	if (!$pid)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', "$base.1") or die "$base.1: $!\n";
		open(STDERR, '>', "$base.2") or die "$base.2: $!\n";
		exec { $command[0] } @command or die "$command[0]: $!\n";
	}
	waitpid($pid, 0);
	my $status = $?;
	return ($status, slurp("$base.1"), slurp("$base.2"));
}

sub slurp
{
	my ($file) = @_;

	open(my $handle, '<:raw', $file) or die "$file: $!\n";
	local $/;
	return scalar(<$handle>) // '';
}

sub spew
{
	my ($file, $text) = @_;

	open(my $handle, '>:raw', $file) or die "$file: $!\n";
	print $handle $text;
	close($handle);
}

# try_sql(DATABASE, TEXT, OPTION...): runs SQL; returns (error or undef, psql's output)
sub try_sql
{
	my ($self, $database, $text, @options) = @_;
	my $file = "$self->{dir}/in.$$.sql";

	spew($file, $text);
	my ($status, $out, $err) = $self->run("$self->{bin}psql", '-XAtq', '-v', 'ON_ERROR_STOP=1',
		@options, '-d', $database, '-f', $file);
	return ($status == 0 ? undef : ($err =~ s/^psql:\S+?:(\d+): /line $1: /mgr || "psql ended with $status"), $out, $err);
}

sub sql
{
	my ($self, $database, $text, @options) = @_;
	my ($error, $out) = $self->try_sql($database, $text, @options);

	die "$database: $error\n" if defined $error;
	return $out;
}

# make_databases(TEMPLATE, NUMBER): creates databases, and returns their names
sub make_databases
{
	my ($self, $template, $number) = @_;
	my $prefix = "$self->{prefix}_" . ($$ == $self->{parent} ? '' : $$ . '_');
	my $owner = $self->{role} ? ' OWNER ' . quoted($self->{role}) : '';
	my @names = map { $prefix . ++$count } 1 .. $number;

	# copying files takes less time than writing them to the WAL, too
	$self->sql('postgres', join('', map { "CREATE DATABASE $_ TEMPLATE $template$owner STRATEGY file_copy;\n" } @names));
	return @names;
}

sub make_database
{
	my ($self, $template) = @_;

	return ($self->make_databases($template, 1))[0];
}

# drop_database(NAME...): drops databases
sub drop_database
{
	my ($self, @names) = @_;

	$self->try_sql('postgres', join('', map { "DROP DATABASE IF EXISTS $_ WITH (FORCE);\n" } @names));
}

sub dollar_quoted
{
	my ($text) = @_;
	my $tag = 'judge';

	$tag .= '_' while index($text, "\$$tag\$") >= 0;
	return "\$$tag\$$text\$$tag\$";
}

# session_sql(DATABASE, TEXT): runs SQL in a session that stays open until an error, or until the next
# database; returns as try_sql() does
sub session_sql
{
	my ($self, $database, $text) = @_;
	my $session = $self->{session};
	my ($out, $err) = ('', '');

	if (!$session || $session->{owner} != $$ || $session->{database} ne $database)
	{
		$self->end_session;
		my ($in, $from, $errors) = (undef, undef, gensym);
		my $pid = open3($in, $from, $errors, "$self->{bin}psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', '-');
		$session = $self->{session} = { owner => $$, database => $database, pid => $pid, in => $in, out => $from, err => $errors };
		$text = $self->as_role . "SET client_min_messages = notice;\n$text";
	}
	my $file = "$self->{dir}/in.$$.sql";
	spew($file, $text);
	local $SIG{PIPE} = 'IGNORE';
	syswrite($session->{in}, "\\i $file\n\\echo \@\@end\n\\warn \@\@end\n");
	my %open = (out => \$out, err => \$err);
	while (%open)
	{
		my $mask = '';
		vec($mask, fileno($session->{$_}), 1) = 1 for keys %open;
		select($mask, undef, undef, undef);
		for my $name (grep { vec($mask, fileno($session->{$_}), 1) } keys %open)
		{
			my $got = sysread($session->{$name}, ${ $open{$name} }, 65536, length(${ $open{$name} }));
			my $ended = ${ $open{$name} } =~ s/^(?:psql:\S+ )?\@\@end\n\z//m;

			$self->{session}{dead} = 1 if !$got;
			delete $open{$name} if !$got || $ended;
		}
	}
	return (undef, $out, $err) if !$session->{dead};
	my $status = $self->end_session;
	return ($err =~ s/^psql:\S+?:(\d+): /line $1: /mgr || "psql ended with $status", $out, $err);
}

# end_session(): ends the session, if there is one
sub end_session
{
	my ($self) = @_;
	my $session = delete $self->{session};

	return if !$session || $session->{owner} != $$;
	close($session->{in});
	waitpid($session->{pid}, 0);
	return $?;
}

# diff(DATABASE, [TARGET, ARGUMENTS]...): calls cmig.diff for each target, in one session, because its
# first call takes long; returns a list of [error or undef, rows, messages], which ends with an error
sub diff
{
	my ($self, $database, @calls) = @_;
	my ($error, $out, $messages) = $self->session_sql($database,
		  join('', map { "SELECT coalesce(json_agg(d), '[]') FROM cmig.diff(" . dollar_quoted($_->[0]) . "$_->[1]) d;\n\\echo \@\@judged\n\\warn \@\@judged\n" } @calls));
	my @rows = split(/^\@\@judged\n/m, $out);
	my @messages = split(/^(?:psql:\S+ )?\@\@judged\n/m, $messages);
	my $done = () = $out =~ /^\@\@judged$/mg;
	my @results = map { [ undef, JSON::PP->new->utf8->decode($rows[$_]), $messages[$_] // '' ] } 0 .. $done - 1;

	push(@results, [$error]) if defined $error;
	return @results;
}

sub rows_as_text
{
	my ($rows, $column) = @_;

	return join('', map {
		"-- $_->{step}: $_->{action} $_->{kind} $_->{object}"
		  . (defined $_->{hazard} ? " [$_->{hazard}]" : '') . "\n"
		  . (defined $_->{$column} ? encode($_->{$column}) . ";\n" : '')
	} @$rows);
}

sub encode
{
	my ($text) = @_;

	utf8::encode($text);
	return $text;
}

# apply(DATABASE, STATEMENTS): runs the statements in one transaction; returns the error
# or undef
sub apply
{
	my ($self, $database, @statements) = @_;
	my $role = $self->as_role;
	my $text = $role;
	my @starts;

	for my $statement (@statements)
	{
		push @starts, ($text =~ tr/\n//) + 1;
		$text .= "$statement\n;\n";
	}
	my ($error) = $self->try_sql($database, $text, '-1');
	return undef if !defined $error;
	if ($error =~ /^line (\d+): ERROR/m)
	{
		my ($at) = grep { $starts[$_] <= $1 } reverse 0 .. $#starts;
		$error .= "  $statements[$at]" if defined $at;
	}
	return $error;
}

# generate(DATABASE, TARGET, ARGUMENTS): loads the file that cmig.autogenerate generates,
# as psql prints it; returns the error or undef
sub generate
{
	my ($self, $database, $target, $arguments) = @_;
	my $stages = $self->{stages} ? ', stages => true' : '';
	my ($error, $file) = $self->try_sql($database, $self->as_role . ("SELECT string_agg('==> ' || file_name || E' <==\\n' || content, '') FROM cmig.autogenerate('Judged', "
		. dollar_quoted($target =~ /\S/ ? $target : '-- nothing') . ", '001'$arguments$stages);\n"));

	return "autogenerate: $error" if defined $error;
	($error) = $self->try_sql($database, $self->as_role . ('SELECT count(*) FROM cmig.load(' . dollar_quoted($file) . ");\n"));
	return defined $error ? "load: $error\n$file" : undef;
}

# move(DATABASE, DIRECTION, TARGET): upgrades or downgrades; returns the error or undef
sub move
{
	my ($self, $database, $direction, $target) = @_;
	my ($error) = $self->try_sql($database, $self->as_role . ("CALL cmig.${direction}_stepwise('$target');\n"));

	return $error;
}

# loadable(TEXT): returns the part of the script that can be run in an empty database
sub loadable
{
	my ($self, $text) = @_;
	my @statements = split_statements($text);
	my $database = $self->make_database($self->{template});
	my $script = $self->as_role . "BEGIN;\n\\set ON_ERROR_ROLLBACK on\n\\set ON_ERROR_STOP off\n"
	  . join('', map { "$_\n\\echo \@\@:ERROR\n" } @statements);
	my ($error, $out) = $self->try_sql($database, $script);

	$self->drop_database($database);
	my @failed = $out =~ /^\@\@(\w+)$/mg;
	return join('', map { ($failed[$_] // '') eq 'false' ? "$statements[$_]\n" : () } 0 .. $#statements);
}

# judge(A, B, OPTION => VALUE...): checks a pair, and returns a hash:
#   result  'equal', 'order' (of entries that pg_dump orders by OID), 'columns' (their order),
#           'inherited' (a child table repeats inherited columns),
#           'reprinted' (equal once both dumps were loaded and dumped again),
#           'left alone' (partitions that the target does not create remain),
#           'unsupported', 'no rows', 'does not load', or the stage that failed
#   detail  what is wrong; cause  the same without names, to count it by
#   rows    what cmig.diff said
# Options: arguments, as in new(); expect; load_only
sub judge
{
	my ($self, $text_a, $text_b, %options) = @_;
	my ($x, $y);
	my $result = eval {
		($x, $y) = $self->make_databases($self->{template}, 2);
		$self->judge_in($x, $y, $text_a, $text_b, $options{arguments} // $self->{arguments}, %options);
	} || { result => 'judge fails', detail => $@ };

	$self->end_session;
	$self->drop_database($x, $y) if defined $y;
	$result->{detail} //= '';
	$result->{cause} //= cause($result);
	return $result;
}

sub load
{
	my ($self, $database, $text) = @_;
	my $role = $self->as_role;

	return ($self->try_sql($database, "$role$text", '-1'))[0];
}

sub judge_in
{
	my ($self, $x, $y, $text_a, $text_b, $arguments, %options) = @_;
	my ($error, $rows, $again, $messages, %r);
	my $worst = 'equal';
	my %rank = (equal => 0, order => 1, columns => 2, inherited => 3, reprinted => 4, 'left alone' => 5);

	for ([ 'a', $x, $text_a ], [ 'b', $y, $text_b ])
	{
		my ($name, $database, $text) = @$_;

		$error = $self->load($database, $text);
		if (defined $error && $self->{role} && $error =~ /$FORBIDDEN/)
		{
			$text = $self->loadable($text);
			($name eq 'a' ? $text_a : $text_b) = $text;
			$error = $self->load($database, $text);
		}
		return { result => 'does not load', detail => "$name: $error" } if defined $error;
	}
	return { result => 'equal' } if $options{load_only};

	# DROP EXTENSION is proposed only for extensions that an applied revision has created
	if (my @extensions = grep { /^CREATE EXTENSION\b/i } split_statements($text_a))
	{
		$error = $self->load($x, "INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('000', "
			  . dollar_quoted(join("\n", @extensions)) . "); SELECT cmig.stamp('000');");
		return { result => 'judge fails', detail => $error } if defined $error;
	}

	my $dump_a = $self->dump($x);
	my $dump_b = $self->dump($y);
	# the object to rename exists only before the upgrade
	my $plain = $arguments =~ s/,\s*renames => '[^']*'//r;

	my ($own, $first) = $self->diff($x, [ $text_a, $plain ], [ $text_b, $arguments ]);
	($error, $again) = @$own;
	return { result => 'own diff fails', detail => $error } if defined $error;
	return { result => 'own diff', detail => rows_as_text($again, 'upgrade_sql') } if @$again;

	($error, $rows, $messages) = @$first;
	return { result => 'diff fails', detail => $error } if defined $error;
	$r{rows} = $rows;
	return { %r, result => 'no rows' } if !@$rows && ($options{expect} // '') eq 'no rows';
	my @unsupported = grep { $_->{action} eq 'unsupported' } @$rows;
	return { %r, result => 'unsupported', detail => rows_as_text(\@unsupported, 'upgrade_sql'),
		cause => 'unsupported: ' . join(', ', uniq(map { $_->{kind} } @unsupported)) } if @unsupported;
	my $dump = $self->dump($x);
	return { %r, result => 'diff leaves traces', detail => first_difference($dump, $dump_a) } if $dump ne $dump_a;

	my @several = grep { statements_in($_->{upgrade_sql}) > 1 } @$rows;
	return { %r, result => 'several statements', detail => rows_as_text(\@several, 'upgrade_sql') } if @several;

	my @rows = sort { $a->{step} <=> $b->{step} } @$rows;
	my $file = ($self->{file} || $self->{stages}) && @rows;
	$error = $file ? $self->generate($x, $text_b, $arguments) // $self->move($x, 'upgrade', 'head')
	  : $self->apply($x, map { encode($_->{upgrade_sql}) } grep { defined $_->{upgrade_sql} } @rows);
	return { %r, result => 'upgrade fails', detail => $error } if defined $error;
	my ($same, $where, $kinds) = $messages =~ /partitions? (?:was|were) left unchanged/ ? ('left alone') : $self->compare($self->dump($x), $dump_b);
	return { %r, result => 'upgrade differs', detail => $where, cause => "upgrade differs: $kinds" } if $same eq 'differs';
	$worst = $same if $rank{$same} > $rank{$worst};

	($error, $again) = @{ ($self->diff($x, [ $text_b, $plain ]))[0] };
	return { %r, result => 'second diff fails', detail => $error } if defined $error;
	return { %r, result => 'second diff', detail => rows_as_text($again, 'upgrade_sql') } if @$again;

	$error = $file ? $self->move($x, 'downgrade', grep({ /^CREATE EXTENSION\b/i } split_statements($text_a)) ? '000' : 'base')
	  : $self->apply($x, map { encode($_->{downgrade_sql}) } grep { defined $_->{downgrade_sql} } reverse @rows);
	return { %r, result => 'downgrade fails', detail => $error } if defined $error;
	($same, $where, $kinds) = $self->compare($self->dump($x), $dump_a);
	return { %r, result => 'downgrade differs', detail => $where, cause => "downgrade differs: $kinds" } if $same eq 'differs';
	$worst = $same if $rank{$same} > $rank{$worst};
	return { %r, result => $worst };
}

# statements_in(SQL): returns the number of statements in SQL that cmig.diff has written
sub statements_in
{
	my ($sql) = @_;

	$sql =~ s/\bE'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$).*?\1//gs;
	$sql =~ s/\bBEGIN ATOMIC\b.*\bEND\b//s;
	1 while $sql =~ s/\([^()]*\)//;
	return 1 + ($sql =~ tr/;//);
}

# compare(GOT, WANTED): like compare_dumps(), but ignores a difference that disappears
# when both dumps have been loaded and dumped again, because some expressions are
# printed differently after their own text was loaded
sub compare
{
	my ($self, $got, $wanted) = @_;
	my @first = compare_dumps($got, $wanted);

	return @first if $first[0] ne 'differs';
	my @again = compare_dumps(map { $self->reprinted($_) // return @first } $got, $wanted);
	return $again[0] eq 'differs' ? @first : ('reprinted');
}

sub reprinted
{
	my ($self, $dump) = @_;
	my $database = $self->make_database('template1');
	(my $text = $dump) =~ s/^CREATE SCHEMA public;$//mg;
	# the functions of these event triggers are not in the dump
	$text =~ s/^--\n-- Name: [^\n]*; Type: EVENT TRIGGER;[^\n]*\n--\n[^;]*\bEXECUTE FUNCTION cmig\.\w+\(\);\n+(?:ALTER EVENT TRIGGER [^;]*;\n+)?//mg;
	my $new = defined(($self->try_sql($database, $text, '-1'))[0]) ? undef : $self->dump($database);

	$self->drop_database($database);
	return $new;
}

sub uniq
{
	my %seen;

	return sort grep { !$seen{$_}++ } @_;
}

# ok(RESULT): returns whether the result is the expected one
sub ok
{
	my ($result) = @_;

	return $result->{result} =~ /^(?:equal|order|columns|inherited|reprinted|left alone)$/;
}

# Returns a failure's message without names and numbers.
sub cause
{
	my ($r) = @_;

	return '' if ok($r);
	my ($message) = $r->{detail} =~ /^(?:a: |b: )?(?:line \d+: )?((?:ERROR|FATAL|server closed|connection).*)$/m;
	my ($row) = $r->{detail} =~ /^-- -?\d+: (\w+ [a-z ]+)/;
	my $text = $message // $row // ($r->{detail} =~ /^(.*)/)[0];

	$text =~ s/"(?:[^"]|"")*"/"..."/g;
	$text =~ s/\d+/N/g;
	$text =~ s/(operator class|function|type|relation|constraint|on column|of column|operator|table|view|sequence|index) [^" ]\S*(\(.*?\))?/$1 .../g;
	return "$r->{result}: $text";
}

1;
