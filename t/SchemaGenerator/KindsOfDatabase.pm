# Copyright (c) 2026, the pg_cmig developers

# Objects of the whole database, foreign tables, and text search.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our ($g, %KIND, @ROLES, @TABLE_ACL);

$KIND{schema} = { class => 'SCHEMA', owner => 1, acl => [qw(USAGE CREATE)], sql => sub { "CREATE SCHEMA " . q_name($_[0]) } };

$KIND{extension} = {
	init => sub {
		my ($o) = @_;
		my %there = map { $_->{name} => 1 } objects('extension');
		my ($name) = some(1, grep { !$there{$_} } qw(citext hstore pg_trgm btree_gist unaccent));

		return 0 if !defined $name;
		$o->{name} = $name;
		return 1;
	},
	attrs => [ into => sub { ref_to(pick(objects('schema'))) } ],
	sql => sub { "CREATE EXTENSION " . q_($_[0]{name}) . " SCHEMA " . q_name(of($_[0]{into})) },
	fixed_name => 1,
	# the target does not tell which default privileges a new extension's members get
	valid => sub { !grep { !$_->{for} } objects('default_privileges') },
};

$KIND{publication} = {
	class => 'PUBLICATION', owner => 1, prefix => 'pub',
	attrs => [
		all => sub { chance(20) }, schema_ => sub { my ($s) = some(1, objects('schema')); chance(30) && $s ? ref_to($s) : undef },
		tables => sub { [ map { { table => ref_to($_), where => chance(30) ? dice() : undef, columns => chance(20) } } some(number(0, 2), grep { !$_->{unlogged} && !$_->{parent} } objects('table')) ] },
		publish => sub { chance(30) ? join(', ', sort(some(2, qw(insert update delete truncate)))) : undef }, root => sub { chance(20) },
	],
	sql => sub {
		my ($o) = @_;
		my @with = (($o->{publish} ? "publish = '$o->{publish}'" : ()), ($o->{root} ? 'publish_via_partition_root = true' : ()));
		my @list;
		my $schema = $o->{schema_} && of($o->{schema_});

		for my $p (@{ $o->{tables} })
		{
			my $t = of($p->{table}) or next;
			my ($c) = grep { $_->{fixed} } columns($t);
			next if $t->{unlogged} || $t->{parent} || ($schema && $t->{schema}{o} == $o->{schema_}{o} && $p->{columns});
			push @list, "TABLE ONLY " . q_name($t) . ($p->{columns} && $c && !$schema && ($o->{root} || !$t->{partition}) ? ' (' . q_($c->{name}) . ')' : '')
			  . (defined $p->{where} && $c && ($o->{root} || !$t->{partition}) ? ' WHERE (' . simple_condition($c) . ')' : '');
		}
		push @list, "TABLES IN SCHEMA " . q_name($schema) if $schema;
		return "CREATE PUBLICATION " . q_name($o) . ($o->{all} ? ' FOR ALL TABLES' : @list ? ' FOR ' . join(', ', @list) : '') . (@with ? ' WITH (' . join(', ', @with) . ')' : '');
	},
};

sub simple_condition { my ($c) = @_; return class_of(type_of($c)) eq 'int' ? q_($c->{name}) . ' > 10' : q_($c->{name}) . " <> 'x'" }

$KIND{wrapper} = {
	class => 'FOREIGN DATA WRAPPER', owner => 0, acl => ['USAGE'], prefix => 'fdw',
	attrs => [ options => sub { chance(40) ? "opt_1 'a%', \"Opt 2\" 'it''s'" : undef }, validator => sub { chance(30) } ],
	sql => sub { my ($o) = @_; "CREATE FOREIGN DATA WRAPPER " . q_name($o) . ($o->{validator} ? ' VALIDATOR postgresql_fdw_validator' : '') . ($o->{options} && !$o->{validator} ? " OPTIONS ($o->{options})" : '') },
};

$KIND{server} = {
	class => 'SERVER', grant_class => 'FOREIGN SERVER', owner => 0, acl => ['USAGE'], prefix => 'server',
	init => sub { my ($o) = @_; my ($w) = some(1, objects('wrapper')); $w //= add('wrapper'); $o->{wrapper} = ref_to($w); 1 },
	attrs => [ type => sub { chance(20) ? 'oracle' : undef }, version => sub { chance(20) ? number(8, 20) . '.1' : undef }, options => sub { chance(60) ? "host 'h" . number(1, 99) . "'" . (chance(50) ? ", dbname 'it''s'" : '') : undef } ],
	sql => sub { my ($o) = @_; "CREATE SERVER " . q_name($o) . ($o->{type} ? " TYPE '$o->{type}'" : '') . ($o->{version} ? " VERSION '$o->{version}'" : '') . " FOREIGN DATA WRAPPER " . q_name(of($o->{wrapper})) . ($o->{options} ? " OPTIONS ($o->{options})" : '') },
};

$KIND{user_mapping} = {
	fixed_name => 1,
	init => sub {
		my ($o) = @_;
		my ($s) = some(1, objects('server')) or return 0;
		my $role = pick(@ROLES, 'PUBLIC');

		return 0 if grep { $_ != $o && $_->{server}{o} == $s->{id} && $_->{role} eq $role } objects('user_mapping');
		@$o{qw(server role)} = (ref_to($s), $role);
		return 1;
	},
	attrs => [ options => sub { chance(70) ? "user 'u" . number(1, 9) . "'" : undef } ],
	sql => sub { my ($o) = @_; "CREATE USER MAPPING FOR " . q_role($o->{role}) . " SERVER " . q_name(of($o->{server})) . ($o->{options} ? " OPTIONS ($o->{options})" : '') },
};

$KIND{foreign_table} = {
	class => 'FOREIGN TABLE', grant_class => 'TABLE', in_schema => 1, owner => 1, acl => \@TABLE_ACL, prefix => 'far',
	init => sub {
		my ($o) = @_;
		my ($s) = some(1, objects('server'));

		$s //= add('server') or return 0;
		$o->{server} = ref_to($s);
		$o->{columns} = [];
		push @{ $o->{columns} }, new_column($o, plain => 1, options => chance(30) ? "column_name 'c" . number(1, 9) . "'" : undef, default => chance(20) ? dice() + 1 : undef) for 1 .. number(1, 4);
		return 1;
	},
	attrs => [ options => sub { chance(50) ? "table_name 't" . number(1, 99) . "', schema_name 'it''s'" : undef } ],
	changes => {
		'column added' => sub { my ($o) = @_; push @{ $o->{columns} }, new_column($o, plain => 1); 1 },
		'column dropped' => sub { my $l = $_[0]{columns}; return 0 if @$l < 2; splice(@$l, number(0, $#$l), 1); 1 },
		'column type' => sub { pick(@{ $_[0]{columns} })->{type} = new_type(); 1 },
		'column options' => sub { my $c = pick(@{ $_[0]{columns} }); $c->{options} = $c->{options} && chance(40) ? undef : "column_name 'd" . number(1, 99) . "', other 'x'"; 1 },
		'column not null' => sub { my $c = pick(@{ $_[0]{columns} }); $c->{notnull} = !$c->{notnull}; 1 },
	},
	sql => sub {
		my ($o) = @_;
		my @list = map { my $d = default_text($_); q_($_->{name}) . ' ' . type_text($_->{type}) . ($_->{options} && !of(of($o->{server})->{wrapper})->{validator} ? " OPTIONS ($_->{options})" : '') . (defined $d ? " DEFAULT $d" : '') . ($_->{notnull} ? ' NOT NULL' : '') } @{ $o->{columns} };

		return "CREATE FOREIGN TABLE " . q_name($o) . " (" . join(', ', @list) . ") SERVER " . q_name(of($o->{server})) . ($o->{options} && !of(of($o->{server})->{wrapper})->{validator} ? " OPTIONS ($o->{options})" : '');
	},
};

$KIND{dictionary} = {
	class => 'TEXT SEARCH DICTIONARY', in_schema => 1, owner => 1, prefix => 'dict',
	attrs => [ form => sub { pick("TEMPLATE = simple", "TEMPLATE = simple, STOPWORDS = english", "TEMPLATE = snowball, LANGUAGE = german", "TEMPLATE = snowball, LANGUAGE = english, STOPWORDS = english", "TEMPLATE = simple, ACCEPT = false, STOPWORDS = german") } ],
	sql => sub { "CREATE TEXT SEARCH DICTIONARY " . q_name($_[0]) . " ($_[0]{form})" },
};

$KIND{ts_template} = {
	class => 'TEXT SEARCH TEMPLATE', in_schema => 1, prefix => 'template', attrs => [ init => sub { chance(50) } ],
	sql => sub { "CREATE TEXT SEARCH TEMPLATE " . q_name($_[0]) . " (" . ($_[0]{init} ? 'INIT = dsimple_init, ' : '') . "LEXIZE = dsimple_lexize)" },
};

$KIND{ts_parser} = {
	class => 'TEXT SEARCH PARSER', in_schema => 1, prefix => 'parser', attrs => [ headline => sub { chance(50) } ],
	sql => sub { "CREATE TEXT SEARCH PARSER " . q_name($_[0]) . " (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype" . ($_[0]{headline} ? ', HEADLINE = prsd_headline' : '') . ")" },
};

$KIND{ts_config} = {
	class => 'TEXT SEARCH CONFIGURATION', in_schema => 1, owner => 1, prefix => 'config',
	attrs => [ copy => sub { chance(50) ? pick('simple', 'english', 'german') : undef }, mappings => sub { my ($d) = some(1, objects('dictionary')); [ map { { token => $_, with => chance(50) && $d ? ref_to($d) : undef, n => dice() } } some(number(0, 3), qw(asciiword word email url int hword)) ] } ],
	sql => sub {
		my ($o) = @_;
		my $n = q_name($o);

		return ("CREATE TEXT SEARCH CONFIGURATION $n (" . ($o->{copy} ? "COPY = pg_catalog.$o->{copy}" : 'PARSER = pg_catalog."default"') . ")",
			map { my $d = $_->{with} && of($_->{with}); "ALTER TEXT SEARCH CONFIGURATION $n " . ($o->{copy} ? 'ALTER' : 'ADD') . " MAPPING FOR $_->{token} WITH " . ($d ? q_name($d) . ', ' : '') . nth($_->{n}, 'simple', 'english_stem', 'german_stem, simple') }
			  grep { my $m = $_; !($m->{with} && !of($m->{with})) } @{ $o->{mappings} });
	},
};

$KIND{event_trigger} = {
	class => 'EVENT TRIGGER', owner => 0, prefix => 'event',
	init => sub { my ($o) = @_; my $f = existing_or(sub { ($_[0]{returns} // '') eq 'event_trigger' }, sub { fixed_function([], 'event_trigger', 'plpgsql', 'BEGIN END') }) or return 0; $o->{function} = ref_to($f); 1 },
	attrs => [ event => sub { pick('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite') }, tags => sub { chance(40) ? [ some(2, 'ALTER TABLE', 'ALTER TYPE') ] : undef }, enabled => sub { chance(40) ? pick('DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA') : undef } ],
	late => 1,
	sql => sub {
		my ($o) = @_;

		return ("CREATE EVENT TRIGGER " . q_name($o) . " ON $o->{event}" . ($o->{tags} ? ' WHEN TAG IN (' . join(', ', map { lit($_) } @{ $o->{tags} }) . ')' : '') . " EXECUTE FUNCTION " . q_name(of($o->{function})) . "()",
			$o->{enabled} ? "ALTER EVENT TRIGGER " . q_name($o) . " $o->{enabled}" : ());
	},
};

my %DEFAULT_PRIVS = (TABLES => [ 'SELECT', 'INSERT', 'ALL' ], SEQUENCES => [ 'USAGE', 'ALL' ], FUNCTIONS => ['EXECUTE'], TYPES => ['USAGE'], SCHEMAS => [ 'USAGE', 'ALL' ]);
$KIND{default_privileges} = {
	fixed_name => 1, late => 1,
	attrs => [
		for => sub { chance(50) ? pick(@ROLES) : undef }, in => sub { my ($s) = some(1, objects('schema')); chance(60) && $s ? ref_to($s) : undef }, on => sub { pick(sort keys %DEFAULT_PRIVS) },
		to => sub { pick(@ROLES, 'PUBLIC') }, priv => \&dice, revoke => sub { chance(25) }, option => sub { chance(15) },
	],
	sql => sub {
		my ($o) = @_;
		my $priv = nth($o->{priv}, @{ $DEFAULT_PRIVS{ $o->{on} } });

		return "ALTER DEFAULT PRIVILEGES" . ($o->{for} ? ' FOR ROLE ' . q_($o->{for}) : '') . ($o->{in} && of($o->{in}) && $o->{on} ne 'SCHEMAS' ? ' IN SCHEMA ' . q_name(of($o->{in})) : '')
		  . ($o->{revoke} ? " REVOKE $priv ON $o->{on} FROM " . q_role($o->{to}) : " GRANT $priv ON $o->{on} TO " . q_role($o->{to}) . ($o->{option} && $o->{to} ne 'PUBLIC' && $o->{to} ne ($o->{for} // '') ? ' WITH GRANT OPTION' : ''));
	},
};

$KIND{language} = {
	class => 'LANGUAGE', owner => 0, acl => ['USAGE'], prefix => 'lang',
	attrs => [ trusted => sub { 1 }, inline => sub { chance(50) }, validator => sub { chance(50) } ],
	sql => sub { my ($o) = @_; "CREATE TRUSTED LANGUAGE " . q_name($o) . " HANDLER plpgsql_call_handler" . ($o->{inline} ? ' INLINE plpgsql_inline_handler' : '') . ($o->{validator} ? ' VALIDATOR plpgsql_validator' : '') },
};

$KIND{transform} = {
	fixed_name => 1, class => 'TRANSFORM', target => sub { "FOR $_[0]{type} LANGUAGE " . (of($_[0]{language}) ? q_name(of($_[0]{language})) : 'sql') },
	init => sub { my ($o) = @_; my ($l) = some(1, objects('language')) or return 0; $o->{language} = ref_to($l); $o->{type} = pick('integer', 'date', 'text'); return !grep { $_ != $o && $_->{language}{o} == $l->{id} && $_->{type} eq $o->{type} } objects('transform') },
	attrs => [ from => sub { chance(70) } ],
	sql => sub { my ($o) = @_; my %recv = (integer => 'int4recv', date => 'date_recv', text => 'textrecv'); "CREATE TRANSFORM " . target_text($o) . " (" . ($o->{from} ? 'FROM SQL WITH FUNCTION prsd_lextype(internal), ' : '') . "TO SQL WITH FUNCTION $recv{$o->{type}}(internal))" },
};

$KIND{access_method} = { class => 'ACCESS METHOD', prefix => 'am', sql => sub { "CREATE ACCESS METHOD " . q_name($_[0]) . " TYPE TABLE HANDLER heap_tableam_handler" } };

1;
