# Copyright (c) 2026, the pg_cmig developers

# Makes random schemas: pair() gives two SQL texts, a and b, where b is a after
# some changes, and the names of these changes.  The same seed gives the same
# pair.
#
# A schema is a model, a list of objects.  Each has a kind and the attributes
# that its kind lists in %KIND; a change of an attribute is the attribute made
# again.  What refers to another object, or to a column, holds a Ref.  Expressions
# are held as a column and a number, and become text when the type is known, so
# that a change of type leaves them valid.  Whatever has lost what it refers to
# is left out (prune), and so goes with it.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

use Storable qw(dclone);

our @ROLES = ('regress_diff_a', 'regress_diff_b', 'regress diff "c"');
our %KIND;

# --- the dice ------------------------------------------------------------

my $g;							# the model that is worked on

sub chance { return rand(100) < $_[0] }
sub number { my ($low, $high) = @_; return $low + int(rand($high - $low + 1)) }
sub pick { return $_[ int(rand(@_)) ] }
sub dice { return int(rand(1000)) }

sub shuffled
{
	my @list = @_;

	for (my $i = @list; --$i > 0;)
	{
		my $j = int(rand($i + 1));
		@list[ $i, $j ] = @list[ $j, $i ];
	}
	return @list;
}

sub some { my ($n, @list) = @_; @list = shuffled(@list); return @list > $n ? @list[ 0 .. $n - 1 ] : @list }

# --- names ---------------------------------------------------------------

my @KEYWORDS = qw(select table user order group all default end begin values primary check column case when from
  where limit offset grant references unique window current_user to in not null true json_object left natural array);
my @WORDS = qw(users orders items status name id created_at note tag price account total parent email);

sub new_name
{
	my ($plain) = @_;
	my $n = ++$g->{names};
	my $long = 'a_rather_long_name_that_is_longer_than_any_name_ought_to_be_and';

	return $plain . "_$n" if chance(45);
	my $name = pick(
		pick(@WORDS) . $n, "Camel$n", "We\"ird $n", "it's $n", "100% of \%I \%s $n", "a\$\$b\$x\$ $n",
		pick(@KEYWORDS), pick(@KEYWORDS), "größe $n", "表 $n", "\x{1F600}$n", "ÀÉ$n",
		substr($long, 0, 63 - length($n)) . $n, substr($long, 0, 63 - length($n)) . $n, substr(('ü' x 30) . 'abc', 0, 31) . sprintf('%01d', $n % 10),
		"a.b $n", "a-b $n", "back\\slash $n", "-- $n", "/* $n", "$n digits", " $n ", "semi;colon $n", "f(x), $n",
		"a[1] $n", "a=>b $n", "new\nline $n", ":colon $n", "\"$n\"", "'$n'", "\$1 $n", "tab\t$n", "{$n,}");
	return $g->{taken}{$name}++ ? $plain . "_$n" : $name;
}

sub q_
{
	my ($name) = @_;
	my $copy = $name;

	return $name if $name =~ /^[a-z_]+_\d+$/;
	$copy =~ s/"/""/g;
	return "\"$copy\"";
}

sub lit
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

sub q_name { my ($o) = @_; return defined $o->{schema} ? q_(of($o->{schema})->{name}) . '.' . q_($o->{name}) : q_($o->{name}) }

# --- references ----------------------------------------------------------

sub ref_to { my ($o, $column) = @_; return bless { o => $o->{id}, c => $column }, 'Ref' }
sub of { my ($ref) = @_; return $g->{objects}{ $ref->{o} } }

sub objects { my %want = map { $_ => 1 } @_; return map { $g->{objects}{$_} } grep { $want{ $g->{objects}{$_}{kind} } } sort { $a <=> $b } keys %{ $g->{objects} } }

sub refs
{
	my ($value) = @_;

	return () if !ref $value;
	return ($value) if ref $value eq 'Ref';
	return map { refs($_) } @$value if ref $value eq 'ARRAY';
	return map { refs($value->{$_}) } sort keys %$value;
}

sub column_of
{
	my ($ref) = @_;
	my $o = of($ref) or return undef;

	return (grep { $_->{id} == $ref->{c} } columns($o))[0];
}

# columns(OBJECT): the columns of a relation, those of its parents first
sub columns
{
	my ($o) = @_;
	my @list;

	if (defined $o->{parent})
	{
		return of($o->{parent}) ? columns(of($o->{parent})) : ();
	}
	if (defined $o->{of_type})
	{
		return of($o->{of_type}) ? @{ of($o->{of_type})->{attributes} } : ();
	}
	for my $parent (@{ $o->{inherits} // [] })
	{
		push @list, columns(of($parent)) if of($parent);
	}
	push @list, @{ $o->{columns} // [] };
	return @list;
}

sub is_ancestor
{
	my ($o, $of) = @_;

	return 1 if $o->{id} == $of->{id};
	return scalar grep { my $p = of($_); $p && is_ancestor($o, $p) } @{ $of->{inherits} // [] }, grep { defined } $of->{parent};
}

sub has_children
{
	my ($o) = @_;

	return scalar grep { my $x = $_; grep { $_->{o} == $o->{id} } @{ $x->{inherits} // [] }, grep { defined } $x->{parent} } objects('table');
}

# --- types ---------------------------------------------------------------

my %CLASS = (
	int => [qw(integer bigint smallint)],
	num => [ 'numeric', 'numeric(10,2)', 'double precision', 'real' ],
	text => [ 'text', 'text', 'varchar', 'varchar(50)', 'character(3)', 'varchar(20)' ],
	bool => ['boolean'],
	date => ['date'],
	ts => [ 'timestamp', 'timestamptz', 'timestamptz(3)', 'timestamp(0)' ],
	uuid => ['uuid'],
	json => ['jsonb'],
	textarr => [ 'text[]', 'varchar(5)[]' ],
	intarr => [ 'integer[]', 'integer[][]' ],
	range => [ 'int4range', 'daterange', 'tstzrange' ],
	interval => [ 'interval', 'interval day to second', 'interval(3)' ],
	tsv => ['tsvector'],
	other => [ 'json', 'bytea', 'inet', 'time(2)', 'xml', 'bit(3)', 'bit varying(4)', 'oid', '"char"', 'regclass', 'money', 'point', 'int4multirange' ],
);
my %CLASS_OF = map { my $c = $_; map { $_ => $c } @{ $CLASS{$c} } } keys %CLASS;

sub new_type
{
	my (%not) = @_;

	if (chance(20))
	{
		my @user = grep { !$not{ $_->{id} } } objects(qw(enum domain composite range));

		return { type => ref_to(pick(@user)), array => chance(20) } if @user && !$not{base};
	}
	my $class = pick(qw(int int int text text text text num bool date ts uuid json textarr intarr range interval tsv other));
	return { base => pick(@{ $CLASS{$class} }) };
}

sub type_text
{
	my ($t) = @_;

	return $t->{base} if defined $t->{base};
	return q_name(of($t->{type})) . ($t->{array} ? '[]' : '');
}

sub class_of
{
	my ($t) = @_;

	return $CLASS_OF{ $t->{base} } // 'other' if defined $t->{base};
	return 'array' if $t->{array};
	my $o = of($t->{type});
	return class_of($o->{of}) if $o->{kind} eq 'domain';
	return $o->{kind};
}

sub enum_labels
{
	my ($t) = @_;
	my $o = of($t->{type});

	return $o->{kind} eq 'domain' ? enum_labels($o->{of}) : @{ $o->{labels} };
}

sub nth { my ($n, @list) = @_; return $list[ $n % @list ] }

# a constant of the type, or undef if there is none
sub literal
{
	my ($t, $n) = @_;
	my $class = class_of($t);

	return nth($n, '0', '42', '(-1)', '1 + 1', '7') if $class eq 'int';
	return nth($n, '0', '1.50', '(-1)', '10.0 / 3') if $class eq 'num';
	return nth($n, "''", "'x'", "'it''s'", "'a%b'", "'x'::text", "CURRENT_USER", "E'a\\nb'", "lower('ABC')", "'q' || 'r'") if $class eq 'text';
	return nth($n, 'true', 'false', '(NOT true)') if $class eq 'bool';
	return nth($n, 'CURRENT_DATE', "'2020-02-29'", "'infinity'", 'now()') if $class eq 'date';
	return nth($n, 'now()', 'CURRENT_TIMESTAMP', 'LOCALTIMESTAMP', "'2020-01-01 00:00:00'", "now() + interval '1 day'", 'clock_timestamp()') if $class eq 'ts';
	return nth($n, 'gen_random_uuid()', "'00000000-0000-0000-0000-000000000000'") if $class eq 'uuid';
	return nth($n, "'{}'", "'[]'::jsonb", "jsonb_build_object('a', 1)") if $class eq 'json';
	return nth($n, "'{}'", "ARRAY['a', 'b']", "'{}'::text[]") if $class eq 'textarr';
	return nth($n, "'{}'", 'ARRAY[1, 2]') if $class eq 'intarr';
	return "'empty'" if $class eq 'range';
	return nth($n, "'1 day'", "interval '01:02:03'") if $class eq 'interval';
	return lit(nth($n, enum_labels($t))) . '::' . type_text({ type => $t->{type} }) if $class eq 'enum';
	return undef;
}

# a condition on a column
sub condition
{
	my ($ref, $n, $prefix) = @_;
	my $column = column_of($ref);
	my $c = ($prefix // '') . q_($column->{name});
	my $t = type_of($column);
	my $class = class_of($t);

	return nth($n, "$c > 0", "$c IN (1, 2, 3)", "$c BETWEEN 1 AND 100", "$c <> ALL (ARRAY[4, 5])", "($c % 2) = 0", "$c IS NOT NULL AND $c < 1000", "NOT ($c = 3 OR $c = 4)", "${c}::text <> '%'", "CASE WHEN $c > 3 THEN true ELSE $c IS NULL END") if $class eq 'int';
	return nth($n, "$c > 0", "$c >= 0.5", "$c IN (1, 2.5)") if $class eq 'num';
	return nth($n, "$c <> ''", "$c IN ('a', 'b', 'it''s')", "length($c) > 3", "$c ~ '^[a-z%]+\$'", "$c LIKE 'a\\_%'", "lower($c) = $c", "$c = ANY (ARRAY['x', 'y'])", "coalesce($c, '') <> 'q'", "$c NOT IN ('u')", "$c = ANY ('{a,b}'::text[])", "char_length(trim($c)) > 0", "$c IS DISTINCT FROM 'z'") if $class eq 'text';
	return nth($n, $c, "NOT $c", "$c IS TRUE") if $class eq 'bool';
	return nth($n, "$c > '2020-01-01'", "$c IS NOT NULL") if $class eq 'date' || $class eq 'ts';
	return nth($n, "jsonb_typeof($c) = 'object'", "$c ? 'k'", "($c ->> 'a') IS NOT NULL") if $class eq 'json';
	return nth($n, "cardinality($c) < 5", "$c <> '{}'") if $class =~ /arr$/;
	if ($class eq 'enum')
	{
		my @l = map { lit($_) } enum_labels($t);
		return nth($n, "$c = " . nth($n, @l), "$c IN (" . join(', ', @l > 2 ? @l[ 0, 1 ] : @l) . ")", "$c <> " . nth($n, @l), "$c IS NOT NULL");
	}
	return "$c IS NOT NULL";
}

# an immutable expression on a column: (text, type)
sub expression
{
	my ($ref, $n, $prefix) = @_;
	my $column = column_of($ref);
	my $c = ($prefix // '') . q_($column->{name});
	my $class = class_of(type_of($column));
	my ($int, $text, $bool) = map { { base => $_ } } qw(bigint text boolean);

	return @{ nth($n, [ "($c + 1)::bigint", $int ], [ "(abs($c) * 2)::bigint", $int ], [ "${c}::text", $text ], [ "$c > 5", $bool ], [ "CASE WHEN $c = 1 THEN 'one' ELSE 'more' END", $text ]) } if $class eq 'int';
	return @{ nth($n, [ "lower($c)", $text ], [ "upper($c) || 'x'", $text ], [ "length($c)::bigint", $int ], [ "coalesce($c, 'none')::text", $text ], [ "($c IN ('a', 'b'))", $bool ], [ "md5($c)", $text ]) } if $class eq 'text';
	return @{ nth($n, [ "($c ->> 'a')", $text ], [ "($c IS NULL)", $bool ]) } if $class eq 'json';
	return @{ nth($n, [ "(NOT $c)", $bool ], [ "CASE WHEN $c THEN 1::bigint ELSE 2::bigint END", $int ]) } if $class eq 'bool';
	return ("($c IS NULL)", $bool);
}

sub type_of
{
	my ($column) = @_;

	return { base => 'text' } if !$column;
	if ($column->{generated})
	{
		return { base => 'text' } if !column_of($column->{generated}{ref});
		return (expression($column->{generated}{ref}, $column->{generated}{n}))[1];
	}
	if ($column->{item})
	{
		return item_type($column->{item});
	}
	return $column->{type};
}

sub is_varlena { my ($t) = @_; return class_of($t) =~ /^(?:text|json|textarr|intarr|tsv|array|composite)$/ }
sub has_btree { my ($t) = @_; my $c = class_of($t); return $c !~ /^(?:other|composite|array|json|tsv)$/ }

# --- making objects ------------------------------------------------------

sub add
{
	my ($kind, %given) = @_;
	my $k = $KIND{$kind} or die "no kind $kind\n";
	my $o = { id => ++$g->{ids}, kind => $kind, %given };

	if ($k->{in_schema} && !$o->{schema})
	{
		$o->{schema} = ref_to(pick(objects('schema')) // return undef);
	}
	$o->{name} //= new_name($k->{prefix} // $kind);
	$g->{objects}{ $o->{id} } = $o;
	if ($k->{init} && !$k->{init}->($o))
	{
		delete $g->{objects}{ $o->{id} };
		return undef;
	}
	for (my $i = 0; $i < @{ $k->{attrs} // [] }; $i += 2)
	{
		my ($attr, $make) = @{ $k->{attrs} }[ $i, $i + 1 ];
		$o->{$attr} = $make->($o) if !exists $o->{$attr};
	}
	$o->{comment} = new_comment() if chance(15);
	$o->{owner} = new_owner() if $k->{owner} && chance(15);
	$o->{acl} = new_acl($o) if $k->{acl} && chance(20);
	return $o;
}

sub new_comment { return nth(dice(), 'a comment', "it's \$\$ \"quoted\" %s", "two\nlines; -- here", 'ünïcode', 'of ' . ++$g->{names}) }
sub new_owner { return pick(@ROLES) }

sub new_acl
{
	my ($o) = @_;
	my $privs = $KIND{ $o->{kind} }{acl};
	my @list;

	for (1 .. number(1, 2))
	{
		push @list, { role => pick(@ROLES, 'PUBLIC'), privs => [ sort(some(number(1, 3), @$privs)) ], option => chance(20), revoke => chance(15) };
	}
	return \@list;
}

# --- SQL of what all kinds have --------------------------------------------

sub target_text { my ($o) = @_; my $k = $KIND{ $o->{kind} }; return $k->{target} ? $k->{target}->($o) : q_name($o) }
sub q_role { my ($r) = @_; return $r eq 'PUBLIC' ? $r : q_($r) }

sub common_sql
{
	my ($o) = @_;
	my $k = $KIND{ $o->{kind} };
	my $class = $k->{class};
	my @sql;

	push @sql, "ALTER $class " . target_text($o) . " OWNER TO " . q_($o->{owner}) if defined $o->{owner} && $k->{owner};
	push @sql, "COMMENT ON $class " . target_text($o) . " IS " . lit($o->{comment}) if defined $o->{comment} && $class;
	for my $a (@{ $o->{acl} // [] })
	{
		my $on = ($k->{grant_class} // $class) . ' ' . ($k->{grant_target} ? $k->{grant_target}->($o) : target_text($o));
		if ($a->{revoke})
		{
			push @sql, "REVOKE ALL ON $on FROM " . q_role($a->{role});
			next;
		}
		# the owner can grant anyway; whether pg_dump prints that makes no
		# difference
		push @sql, "GRANT " . join(', ', @{ $a->{privs} }) . " ON $on TO " . q_role($a->{role})
		  . ($a->{option} && $a->{role} ne 'PUBLIC' && $a->{role} ne ($o->{owner} // '') ? ' WITH GRANT OPTION' : '');
	}
	return @sql;
}

# --- kinds ---------------------------------------------------------------

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
};

$KIND{enum} = {
	class => 'TYPE', in_schema => 1, owner => 1, acl => ['USAGE'],
	attrs => [ labels => sub { my %s; [ grep { !$s{$_}++ } map { chance(70) ? pick(qw(new open closed done failed waiting sent)) : "l'a\"b " . number(1, 9) } 1 .. number(2, 5) ] } ],
	changes => {
		'value added at the end' => sub { push @{ $_[0]{labels} }, 'added ' . ++$g->{names}; 1 },
		'value added before' => sub { my $l = $_[0]{labels}; splice(@$l, number(0, $#$l), 0, 'between ' . ++$g->{names}); 1 },
		'value removed' => sub { my $l = $_[0]{labels}; return 0 if @$l < 2; splice(@$l, number(0, $#$l), 1); 1 },
		'values reordered' => sub { my $l = $_[0]{labels}; return 0 if @$l < 2; push @$l, shift @$l; 1 },
		'value renamed' => sub { my $l = $_[0]{labels}; $l->[0] = 'renamed ' . ++$g->{names}; 1 },
	},
	sql => sub { "CREATE TYPE " . q_name($_[0]) . " AS ENUM (" . join(', ', map { lit($_) } @{ $_[0]{labels} }) . ")" },
};

sub base_without_composite { my ($o) = @_; return new_type($o->{id} => 1, map { $_->{id} => 1 } objects('composite', 'domain', 'range')) }

$KIND{domain} = {
	class => 'DOMAIN', in_schema => 1, owner => 1, acl => ['USAGE'], grant_class => 'DOMAIN',
	attrs => [
		of => \&base_without_composite,
		default => sub { chance(30) ? dice() + 1 : undef },
		notnull => sub { chance(20) },
		checks => sub { [ map { { name => new_name('check'), n => dice(), not_valid => chance(10) } } 1 .. number(0, 2) ] },
		collation => sub { chance(10) ? 'C' : undef },
	],
	sql => sub {
		my ($o) = @_;
		my $d = $o->{default} ? literal($o->{of}, $o->{default}) : undef;
		my $text = class_of($o->{of}) eq 'text';
		my @later;
		my $sql = "CREATE DOMAIN " . q_name($o) . " AS " . type_text($o->{of}) . ($o->{collation} && $text ? ' COLLATE "C"' : '')
		  . (defined $d ? " DEFAULT $d" : '') . ($o->{notnull} ? ' NOT NULL' : '');

		for my $c (@{ $o->{checks} })
		{
			my $e = $text ? nth($c->{n}, "VALUE <> ''", "VALUE IN ('a', 'b')", "length(VALUE) > 2", "VALUE ~ '^a%'") : class_of($o->{of}) eq 'int' ? nth($c->{n}, 'VALUE > 0', 'VALUE IN (1, 2)') : 'VALUE IS NOT NULL';
			if ($c->{not_valid}) { push @later, "ALTER DOMAIN " . q_name($o) . " ADD CONSTRAINT " . q_($c->{name}) . " CHECK ($e) NOT VALID" }
			else { $sql .= " CONSTRAINT " . q_($c->{name}) . " CHECK ($e)" }
			push @later, "COMMENT ON CONSTRAINT " . q_($c->{name}) . " ON DOMAIN " . q_name($o) . " IS 'on a domain''s check'" if $c->{n} % 5 == 0;
		}
		return ($sql, @later);
	},
};

$KIND{composite} = {
	class => 'TYPE', in_schema => 1, owner => 1, acl => ['USAGE'],
	attrs => [ attributes => sub { my ($o) = @_; [ map { { id => ++$g->{ids}, name => new_name('attr'), type => base_without_composite($o), comment => chance(10) ? new_comment() : undef } } 1 .. number(1, 4) ] } ],
	changes => {
		'attribute added' => sub { my ($o) = @_; push @{ $o->{attributes} }, { id => ++$g->{ids}, name => new_name('attr'), type => base_without_composite($o) }; 1 },
		'attribute removed' => sub { my $l = $_[0]{attributes}; return 0 if @$l < 2; splice(@$l, number(0, $#$l), 1); 1 },
		'attribute type' => sub { my ($o) = @_; pick(@{ $o->{attributes} })->{type} = base_without_composite($o); 1 },
		'attribute renamed' => sub { my ($o) = @_; pick(@{ $o->{attributes} })->{name} = new_name('attr'); 1 },
	},
	sql => sub {
		my ($o) = @_;
		my $n = q_name($o);

		return ("CREATE TYPE $n AS (" . join(', ', map { q_($_->{name}) . ' ' . type_text($_->{type}) } @{ $o->{attributes} }) . ")",
			map { "COMMENT ON COLUMN $n." . q_($_->{name}) . " IS " . lit($_->{comment}) } grep { defined $_->{comment} } @{ $o->{attributes} });
	},
};

$KIND{range} = {
	class => 'TYPE', in_schema => 1, owner => 1, acl => ['USAGE'],
	attrs => [
		subtype => sub { pick('double precision', 'text', 'time', 'integer', 'inet') },
		diff => sub { chance(40) },
		multi => sub { chance(50) ? new_name('multi') : undef },
		collation => sub { chance(30) },
	],
	sql => sub {
		my ($o) = @_;
		my @p = ("SUBTYPE = $o->{subtype}");

		push @p, 'SUBTYPE_DIFF = float8mi' if $o->{diff} && $o->{subtype} eq 'double precision';
		push @p, 'COLLATION = "C"' if $o->{collation} && $o->{subtype} eq 'text';
		push @p, 'MULTIRANGE_TYPE_NAME = ' . q_(of($o->{schema})->{name}) . '.' . q_($o->{multi}) if defined $o->{multi};
		return "CREATE TYPE " . q_name($o) . " AS RANGE (" . join(', ', @p) . ")";
	},
};

$KIND{sequence} = {
	class => 'SEQUENCE', in_schema => 1, owner => 1, acl => [qw(USAGE SELECT UPDATE)],
	attrs => [
		type => sub { pick('bigint', 'bigint', 'integer', 'smallint') }, increment => sub { pick(1, 1, 2, -1, 10) },
		max => sub { chance(30) ? number(100, 30000) : undef }, min => sub { chance(20) ? number(-50, 0) : undef },
		start => sub { chance(30) ? number(1, 50) : undef }, cache => sub { chance(20) ? number(2, 50) : undef },
		cycle => sub { chance(15) }, unlogged => sub { chance(5) },
	],
	sql => sub {
		my ($o) = @_;
		my %x = %$o;

		if ($x{increment} < 0) { delete $x{start}; delete $x{min}; delete $x{max} }
		return "CREATE " . ($x{unlogged} ? 'UNLOGGED ' : '') . "SEQUENCE " . q_name($o) . " AS $x{type} INCREMENT BY $x{increment}"
		  . (defined $x{min} ? " MINVALUE $x{min}" : '') . (defined $x{max} ? " MAXVALUE $x{max}" : '')
		  . (defined $x{start} ? " START WITH $x{start}" : '') . ($x{cache} ? " CACHE $x{cache}" : '') . ($x{cycle} ? ' CYCLE' : '');
	},
};

$KIND{owned_by} = {
	init => sub {
		my ($o) = @_;
		my ($seq) = some(1, objects('sequence')) or return 0;
		my @t = grep { $_->{schema}{o} == $seq->{schema}{o} && !$_->{parent} && !$_->{of_type} && !$_->{unlogged} && !$seq->{unlogged} && @{ $_->{columns} } && ($_->{owner} // '') eq ($seq->{owner} // '') } objects('table');
		my ($t) = some(1, @t) or return 0;

		return 0 if grep { $_ != $o && $_->{sequence}{o} == $seq->{id} } objects('owned_by');
		$o->{sequence} = ref_to($seq);
		$o->{column} = ref_to($t, pick(@{ $t->{columns} })->{id});
		return 1;
	},
	valid => sub {
		my ($o) = @_;
		my ($seq, $t) = (of($o->{sequence}), of($o->{column}));

		return ($seq->{owner} // '') eq ($t->{owner} // '') && $seq->{schema}{o} == $t->{schema}{o};
	},
	sql => sub { my ($o) = @_; "ALTER SEQUENCE " . q_name(of($o->{sequence})) . " OWNED BY " . q_name(of($o->{column})) . '.' . q_(column_of($o->{column})->{name}) },
	fixed_name => 1,
};

sub new_column
{
	my ($table, %given) = @_;
	my $c = { id => ++$g->{ids}, name => new_column_name($table), type => new_type(), %given };

	$c->{notnull} = chance(30) if !exists $c->{notnull};
	return $c if $given{fixed} || $given{plain};
	$c->{default} = dice() + 1 if chance(25);
	if (chance(6))
	{
		my ($f) = some(1, grep { $_->{language} eq 'sql' && !@{ $_->{args} } && $_->{form} eq 'scalar' } objects('function'));
		$c->{default_function} = ref_to($f) if $f;
	}
	elsif (chance(6))
	{
		my ($s) = some(1, objects('sequence'));
		$c->{default_sequence} = ref_to($s) if $s;
		$c->{type} = { base => 'bigint' } if $s;
	}
	elsif (chance(8))
	{
		$c->{identity} = pick('ALWAYS', 'BY DEFAULT');
		$c->{type} = { base => pick('integer', 'bigint') };
		$c->{identity_options} = chance(30) ? ' (INCREMENT BY ' . number(2, 5) . ' START WITH ' . number(1, 90) . ')' : '';
		$c->{notnull} = 1;
	}
	elsif (chance(10))
	{
		my ($source) = some(1, grep { !$_->{generated} } columns($table));
		$c->{generated} = { ref => ref_to($table, $source->{id}), n => dice() } if $source;
	}
	$c->{collation} = pick('C', 'POSIX', 'ucs_basic') if chance(8);
	$c->{storage} = pick('EXTERNAL', 'MAIN', 'PLAIN', 'EXTENDED') if chance(5);
	$c->{compression} = pick('pglz', 'lz4') if chance(5);
	$c->{statistics} = number(0, 500) if chance(5);
	$c->{options} = pick('n_distinct = -0.5', 'n_distinct = 10, n_distinct_inherited = 20') if chance(5);
	$c->{comment} = new_comment() if chance(10);
	$c->{acl} = [ { role => pick(@ROLES, 'PUBLIC'), privs => [ sort(some(number(1, 2), qw(SELECT INSERT UPDATE REFERENCES))) ] } ] if chance(8);
	return $c;
}

sub new_column_name
{
	my ($table) = @_;
	my %taken = map { $_->{name} => 1 } columns($table), map { columns($_) } grep { $_->{kind} eq 'table' && is_ancestor($table, $_) } objects('table');
	my $name = chance(30) && !$table->{inherits} ? pick(@WORDS) : new_name('col');

	return $taken{$name} ? 'col_' . ++$g->{names} : $name;
}

sub column_text
{
	my ($o, $c, $plain) = @_;
	my $t = type_of($c);
	my $sql = q_($c->{name}) . ' ' . type_text($t);

	$sql .= ' COMPRESSION ' . $c->{compression} if $c->{compression} && is_varlena($t) && !$plain;
	$sql .= ' COLLATE "' . $c->{collation} . '"' if $c->{collation} && class_of($t) eq 'text';
	if ($c->{generated})
	{
		$sql .= ' GENERATED ALWAYS AS (' . (expression($c->{generated}{ref}, $c->{generated}{n}))[0] . ') STORED';
	}
	elsif ($plain) { }
	elsif ($c->{identity} && class_of($t) eq 'int')
	{
		$sql .= " GENERATED $c->{identity} AS IDENTITY$c->{identity_options}" if !$o->{of_type};
	}
	elsif (my $d = default_text($c))
	{
		$sql .= " DEFAULT $d";
	}
	$sql .= ' NOT NULL' if $c->{notnull};
	return $sql;
}

sub default_text
{
	my ($c) = @_;
	my $t = type_of($c);

	return undef if $c->{generated};
	if (my $f = $c->{default_function} && of($c->{default_function}))
	{
		return q_name($f) . '()::text' if class_of($t) eq 'text' && ($f->{form} eq 'scalar' && !@{ $f->{args} });
		return undef;
	}
	if ($c->{default_sequence} && of($c->{default_sequence}) && class_of($t) eq 'int')
	{
		return 'nextval(' . lit(q_name(of($c->{default_sequence}))) . '::regclass)';
	}
	return $c->{default} ? literal($t, $c->{default}) : undef;
}

sub partition_bound
{
	my ($o) = @_;
	my $p = of($o->{parent})->{partition};
	my $c = column_of($p->{ref});
	my $text = class_of($c->{type}) eq 'text';
	my $n = $o->{slot};

	return 'DEFAULT' if $n == 0 && $p->{by} ne 'HASH';
	return $text ? "FOR VALUES IN ('v$n', 'w''$n'" . ($n == 1 ? ', NULL)' : ')') : "FOR VALUES IN (${n}1, ${n}2)" if $p->{by} eq 'LIST';
	return "FOR VALUES WITH (MODULUS 8, REMAINDER $n)" if $p->{by} eq 'HASH';
	my ($low, $high) = map { $text ? "'k$_'" : "${_}0" } $n, $n + 1;
	$low = 'MINVALUE' if $n == 1;
	$high = 'MAXVALUE' if $n == 7;
	return "FOR VALUES FROM ($low) TO ($high)";
}

sub new_partition
{
	my ($table) = @_;
	my ($c) = some(1, grep { $_->{fixed} } columns($table)) or return undef;

	return { by => pick('RANGE', 'LIST', 'HASH'), ref => ref_to($table, $c->{id}) };
}

sub free_slot
{
	my ($parent, $except) = @_;
	my %taken = map { $_->{slot} => 1 } grep { defined $_->{slot} && $_->{parent} && $_->{parent}{o} == $parent->{id} && $_->{id} != ($except // 0) } objects('table');

	return (some(1, grep { !$taken{$_} } 0 .. 7))[0];
}

my @TABLE_ACL = qw(SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER);

$KIND{table} = {
	class => 'TABLE', in_schema => 1, owner => 1, acl => \@TABLE_ACL,
	init => sub {
		my ($o) = @_;
		my ($parent, $type);

		$o->{columns} = [];
		if (!$o->{plain} && chance(25) && (($parent) = some(1, grep { $_ != $o && $_->{partition} && defined free_slot($_) } objects('table'))))
		{
			$o->{parent} = ref_to($parent);
			$o->{slot} = free_slot($parent);
			$o->{attached} = chance(40);
			$o->{partition} = new_partition($o) if chance(25);
			return 1;
		}
		if (!$o->{plain} && chance(15) && (($parent) = some(1, grep { $_ != $o && !$_->{parent} && !$_->{partition} && !$_->{unlogged} && !$_->{of_type} } objects('table'))))
		{
			$o->{inherits} = [ ref_to($parent) ];
		}
		elsif (!$o->{plain} && chance(8) && (($type) = some(1, objects('composite'))))
		{
			$o->{of_type} = ref_to($type);
			return 1;
		}
		push @{ $o->{columns} }, new_column($o, fixed => 1, type => { base => pick('integer', 'bigint', 'text') }, notnull => 1);
		push @{ $o->{columns} }, new_column($o) for 1 .. number(0, 5);
		$o->{columns} = [ shuffled(@{ $o->{columns} }) ];
		$o->{partition} = new_partition($o) if chance(25) && !$o->{inherits} && !$o->{plain};
		if ($o->{partition})
		{
			delete @$_{qw(identity compression default_sequence)} for @{ $o->{columns} };
		}
		return 1;
	},
	attrs => [
		unlogged => sub { chance(6) && !$_[0]{parent} && !$_[0]{inherits} && !$_[0]{partition} },
		options => sub { chance(15) ? pick('fillfactor = 70', 'autovacuum_enabled = false', 'fillfactor = 50, toast.autovacuum_enabled = false', 'parallel_workers = 2, autovacuum_vacuum_scale_factor = 0.3') : undef },
		rls => sub { chance(12) }, force_rls => sub { chance(6) },
		replica => sub { chance(8) ? pick('FULL', 'NOTHING') : undef },
		dropped => sub { chance(20) ? number(1, 2) : 0 },
		column_statistics => sub { undef },
	],
	valid => sub {
		my ($o) = @_;

		return 0 if $o->{parent} && !of($o->{parent})->{partition};
		return 0 if $o->{unlogged} && has_children($o);
		return 0 if grep { of($_)->{partition} || of($_)->{parent} } @{ $o->{inherits} // [] };
		return 1;
	},
	changes => {
		'column added' => sub { my ($o) = @_; return 0 if $o->{parent} || $o->{of_type}; my $c = new_column($o); delete @$c{qw(identity compression default_sequence)} if $o->{partition}; splice(@{ $o->{columns} }, chance(70) ? @{ $o->{columns} } : 0, 0, $c); 1 },
		'column dropped' => sub { my ($o) = @_; my @c = grep { !$o->{columns}[$_]{fixed} } 0 .. $#{ $o->{columns} }; return 0 if !@c; splice(@{ $o->{columns} }, pick(@c), 1); 1 },
		'column type' => sub { my $c = free_column(@_) or return 0; $c->{type} = new_type(); 1 },
		'column not null' => sub { my $c = free_column(@_) or return 0; return 0 if $c->{identity}; $c->{notnull} = !$c->{notnull}; 1 },
		'column default' => sub { my $c = free_column(@_) or return 0; $c->{default} = $c->{default} && chance(40) ? undef : dice() + 1; 1 },
		'column renamed' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns} }) or return 0; $c->{name} = new_column_name($o); 1 },
		'columns swapped' => sub { my ($o) = @_; my @c = some(2, @{ $o->{columns} }); return 0 if @c < 2; my ($x, $y) = @c; ($x->{name}, $y->{name}) = ($y->{name}, $x->{name}); 1 },
		'columns reordered' => sub { my ($o) = @_; return 0 if @{ $o->{columns} } < 2; push @{ $o->{columns} }, shift @{ $o->{columns} }; 1 },
		'column identity' => sub { my ($o) = @_; return 0 if $o->{partition}; my $c = free_column(@_) or return 0; if ($c->{identity}) { delete $c->{identity} if chance(50); $c->{identity} = pick('ALWAYS', 'BY DEFAULT') if $c->{identity}; return 1 } return 0 if class_of(type_of($c)) ne 'int' || $c->{default_sequence} || $c->{generated}; @$c{qw(identity identity_options notnull)} = ('ALWAYS', '', 1); 1 },
		'column generated' => sub { my $c = free_column(@_) or return 0; my ($o) = @_; if ($c->{generated}) { if (chance(50)) { $c->{type} = type_of($c); delete $c->{generated} } else { $c->{generated}{n} = dice() } return 1 } my ($s) = some(1, grep { !$_->{generated} && $_ != $c } columns($o)); return 0 if !$s || $c->{identity} || grep { $_->{generated} && $_->{generated}{ref}{c} == $c->{id} } columns($o); $c->{generated} = { ref => ref_to($o, $s->{id}), n => dice() }; 1 },
		'column collation' => sub { my $c = free_column(@_) or return 0; return 0 if class_of(type_of($c)) ne 'text'; $c->{collation} = $c->{collation} && chance(50) ? undef : pick('C', 'POSIX', 'ucs_basic'); 1 },
		'column storage' => sub { my $c = free_column(@_) or return 0; return 0 if !is_varlena(type_of($c)); $c->{storage} = $c->{storage} && chance(30) ? undef : pick('EXTERNAL', 'MAIN', 'PLAIN', 'EXTENDED'); 1 },
		'column compression' => sub { my ($o) = @_; my $c = free_column(@_) or return 0; return 0 if $o->{partition} || !is_varlena(type_of($c)); $c->{compression} = $c->{compression} && chance(30) ? undef : pick('pglz', 'lz4'); 1 },
		'column statistics' => sub { my $c = free_column(@_) or return 0; $c->{statistics} = $c->{statistics} && chance(30) ? undef : number(0, 900); 1 },
		'column options' => sub { my $c = free_column(@_) or return 0; $c->{options} = $c->{options} && chance(40) ? undef : 'n_distinct = ' . number(2, 90); 1 },
		'column comment' => sub { my $c = free_column(@_) or return 0; $c->{comment} = $c->{comment} && chance(40) ? undef : new_comment(); 1 },
		'column grants' => sub { my $c = free_column(@_) or return 0; $c->{acl} = $c->{acl} && chance(40) ? undef : [ { role => pick(@ROLES, 'PUBLIC'), privs => [ sort(some(number(1, 2), qw(SELECT INSERT UPDATE REFERENCES))) ], option => chance(20) } ]; 1 },
		'partition detached' => sub { my ($o) = @_; return 0 if !$o->{parent}; $o->{columns} = dclone([ columns($o) ]); delete @$_{qw(storage compression options comment acl statistics default generated default_function)} for @{ $o->{columns} }; $o->{was} = delete $o->{parent}; 1 },
		'partition bound' => sub { my ($o) = @_; return 0 if !$o->{parent}; my $s = free_slot(of($o->{parent}), $o->{id}); return 0 if !defined $s || $s == $o->{slot}; $o->{slot} = $s; 1 },
		'partition key' => sub { my ($o) = @_; return 0 if !$o->{partition}; $o->{partition}{by} = pick('RANGE', 'LIST', 'HASH'); 1 },
		'partitioned or not' => sub { my ($o) = @_; return 0 if $o->{inherits} || $o->{of_type} || ($o->{parent} && chance(50)); if ($o->{partition}) { delete $o->{partition} } else { $o->{partition} = new_partition($o); delete @$_{qw(identity compression default_sequence)} for @{ $o->{columns} }; } $o->{partition} || 1 },
		'inheritance' => sub { my ($o) = @_; return 0 if !$o->{inherits} || !@{ $o->{inherits} }; push @{ $o->{columns} }, @{ dclone([ map { columns($_) } of($o->{inherits}[0]) ]) }; my %s; $o->{columns} = [ grep { !$s{ $_->{name} }++ } @{ $o->{columns} } ]; delete $_->{generated} for @{ $o->{columns} }; $o->{inherits} = []; 1 },
	},
	sql => \&table_sql,
};

sub free_column { my ($o) = @_; return (some(1, grep { !$_->{fixed} } @{ $o->{columns} // [] }))[0] }

sub table_sql
{
	my ($o) = @_;
	my $n = q_name($o);
	my @own = @{ $o->{columns} };
	my (@sql, @list);
	my $with = (defined $o->{options} && !$o->{partition} ? " WITH ($o->{options})" : '');
	my $by = $o->{partition} ? " PARTITION BY $o->{partition}{by} (" . q_(column_of($o->{partition}{ref})->{name}) . ")" : '';

	if ($o->{parent} && !$o->{attached})
	{
		push @sql, "CREATE TABLE $n PARTITION OF " . q_name(of($o->{parent})) . " " . partition_bound($o) . "$by$with";
	}
	elsif ($o->{of_type})
	{
		push @sql, "CREATE " . ($o->{unlogged} ? 'UNLOGGED ' : '') . "TABLE $n OF " . q_name(of($o->{of_type})) . $with;
	}
	else
	{
		@own = reverse columns($o) if $o->{parent};
		@list = map { column_text($o, $_, $o->{parent} ? 1 : 0) } @own;
		splice(@list, $_ % (@list + 1), 0, "gone_$_ integer DEFAULT $_") for 1 .. $o->{dropped} // 0;
		push @sql, "CREATE " . ($o->{unlogged} ? 'UNLOGGED ' : '') . "TABLE $n (\n\t" . join(",\n\t", @list) . "\n)"
		  . (@{ $o->{inherits} // [] } ? " INHERITS (" . join(', ', map { q_name(of($_)) } @{ $o->{inherits} }) . ")" : '') . "$by$with";
		push @sql, "ALTER TABLE $n DROP COLUMN gone_$_" for 1 .. $o->{dropped} // 0;
		push @sql, "ALTER TABLE " . q_name(of($o->{parent})) . " ATTACH PARTITION $n " . partition_bound($o) if $o->{parent};
		@own = @{ $o->{columns} } if !$o->{parent};
	}
	@own = () if $o->{parent};
	for my $c (@own)
	{
		my $at = "ALTER TABLE $n ALTER COLUMN " . q_($c->{name});
		my $t = type_of($c);

		push @sql, "$at SET STORAGE $c->{storage}" if $c->{storage} && is_varlena($t);
		push @sql, "$at SET STATISTICS $c->{statistics}" if defined $c->{statistics};
		push @sql, "$at SET ($c->{options})" if $c->{options};
		push @sql, "COMMENT ON COLUMN $n." . q_($c->{name}) . " IS " . lit($c->{comment}) if defined $c->{comment};
		for my $a (@{ $c->{acl} // [] })
		{
			push @sql, "GRANT " . join(', ', map { "$_ (" . q_($c->{name}) . ")" } @{ $a->{privs} }) . " ON TABLE $n TO " . q_role($a->{role}) . ($a->{option} && $a->{role} ne 'PUBLIC' ? ' WITH GRANT OPTION' : '');
		}
	}
	push @sql, "ALTER TABLE $n ENABLE ROW LEVEL SECURITY" if $o->{rls};
	push @sql, "ALTER TABLE $n FORCE ROW LEVEL SECURITY" if $o->{force_rls};
	push @sql, "ALTER TABLE $n REPLICA IDENTITY $o->{replica}" if $o->{replica};
	return @sql;
}

# a table with a column that passes the test
sub table_with
{
	my ($kinds, $test) = @_;
	my @found;

	for my $t (objects(@$kinds))
	{
		my @c = grep { $test->($_, $t) } columns($t);
		push @found, [ $t, @c ] if @c;
	}
	return @found ? @{ pick(@found) } : ();
}

sub partition_root { my ($t) = @_; $t = of($t->{parent}) while $t->{parent} && of($t->{parent}); return $t }
sub in_partition_tree { my ($t) = @_; return $t->{parent} || $t->{partition} }

$KIND{key} = {
	prefix => 'key', on => 1,
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table' ], sub { has_btree(type_of($_[0])) && !$_[1]{parent} }) or return 0;

		@c = some(number(1, 2), @c);
		@c = grep { $_->{fixed} } columns($t) if in_partition_tree($t);
		return 0 if !@c;
		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } @c ];
		return 1;
	},
	attrs => [
		primary => sub { my ($o) = @_; chance(50) && !grep { $_->{primary} && $_->{table}{o} == $o->{table}{o} && $_->{id} != $o->{id} } objects('key') },
		deferrable => sub { chance(15) ? pick('DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED') : '' },
		nulls => sub { chance(15) },
		include => sub { my ($o) = @_; my ($c) = some(1, grep { my $x = $_; !grep { $_->{c} == $x->{id} } @{ $o->{columns_} } } columns(of($o->{table}))); chance(12) && $c ? ref_to(of($o->{table}), $c->{id}) : undef },
		options => sub { chance(10) ? ' WITH (fillfactor = ' . number(30, 90) . ')' : '' },
	],
	valid => sub {
		my ($o) = @_;
		my $t = of($o->{table});

		return 0 if grep { !has_btree(type_of(column_of($_))) } @{ $o->{columns_} };
		return 0 if $o->{primary} && grep { my $x = $_; grep { $_->{id} == $x->{c} && !$_->{generated} } () } ();
		return 0 if $t->{parent} || $t->{of_type} && $t->{partition};
		return 0 if $t->{partition} && grep { my $f = $_; !grep { $_->{c} == $f->{id} } @{ $o->{columns_} } } grep { $_->{fixed} } columns($t);
		return 0 if $o->{primary} && grep { $_->{primary} && $_->{table}{o} == $o->{table}{o} && $_->{id} < $o->{id} } objects('key');
		return 1;
	},
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;

		return "ALTER TABLE " . q_name(of($o->{table})) . " ADD CONSTRAINT " . q_($o->{name}) . ($o->{primary} ? ' PRIMARY KEY' : ' UNIQUE' . ($o->{nulls} ? ' NULLS NOT DISTINCT' : ''))
		  . " (" . join(', ', map { q_(column_of($_)->{name}) } @{ $o->{columns_} }) . ")" . ($o->{include} && column_of($o->{include}) ? " INCLUDE (" . q_(column_of($o->{include})->{name}) . ")" : '')
		  . $o->{options} . " $o->{deferrable}";
	},
};

$KIND{check} = {
	prefix => 'check', on => 1,
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'foreign_table' ], sub { !$_[1]{parent} }) or return 0;

		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } some(number(1, 2), @c) ];
		return 1;
	},
	attrs => [ n => \&dice, not_valid => sub { chance(15) }, no_inherit => sub { chance(12) } ],
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	valid => sub { my ($o) = @_; !grep { is_ancestor(of($o->{table}), $_) && $_->{id} != $o->{table}{o} && grep { $_->{name} eq $o->{name} } () } objects('table') },
	sql => sub {
		my ($o) = @_;
		my $t = of($o->{table});

		return "ALTER TABLE " . q_name($t) . " ADD CONSTRAINT " . q_($o->{name}) . " CHECK (" . join(' OR ', map { condition($_, $o->{n}) } @{ $o->{columns_} }) . ")"
		  . ($o->{no_inherit} && !$t->{partition} ? ' NO INHERIT' : '') . ($o->{not_valid} ? ' NOT VALID' : '');
	},
};

$KIND{foreign_key} = {
	prefix => 'fk', on => 1,
	init => sub {
		my ($o) = @_;
		my ($key) = some(1, grep { !$_->{deferrable} } objects('key')) or return 0;
		my ($t) = some(1, grep { !$_->{parent} && !$_->{of_type} && !$_->{unlogged} } objects('table')) or return 0;

		$o->{table} = ref_to($t);
		$o->{key} = ref_to($key);
		for my $r (@{ $key->{columns_} })
		{
			my $c = column_of($r) or return 0;
			my ($mine) = grep { type_text(type_of($_)) eq type_text(type_of($c)) && !$_->{generated} } columns($t);

			if (!$mine || chance(50) && !$t->{inherits})
			{
				$mine = new_column($t, plain => 1, type => dclone(type_of($c)), notnull => 0);
				push @{ $t->{columns} }, $mine;
			}
			push @{ $o->{columns_} }, ref_to($t, $mine->{id});
		}
		my %s;
		return 0 if grep { $s{ $_->{c} }++ } @{ $o->{columns_} };
		return 1;
	},
	attrs => [
		on_delete => sub { chance(50) ? pick('CASCADE', 'SET NULL', 'SET DEFAULT', 'RESTRICT') : undef },
		on_update => sub { chance(20) ? pick('CASCADE', 'SET NULL', 'RESTRICT') : undef },
		match => sub { chance(10) }, deferrable => sub { chance(20) ? pick('DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED') : '' },
		not_valid => sub { chance(12) }, some_columns => sub { chance(20) },
	],
	valid => sub {
		my ($o) = @_;
		my ($key, $t) = (of($o->{key}), of($o->{table}));
		my $target = of($key->{table}) or return 0;

		return 0 if $key->{deferrable} || @{ $key->{columns_} } != @{ $o->{columns_} } || $t->{parent} || !$t->{unlogged} != !$target->{unlogged};
		for my $i (0 .. $#{ $o->{columns_} })
		{
			my ($x, $y) = (column_of($o->{columns_}[$i]), column_of($key->{columns_}[$i]));
			return 0 if !$x || !$y || class_of(type_of($x)) =~ /arr/ || type_text(type_of($x)) ne type_text(type_of($y)) || ($x->{generated} || $y->{generated}) || ($x->{collation} // '') ne ($y->{collation} // '');
		}
		return 1;
	},
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $key = of($o->{key});

		return "ALTER TABLE " . q_name(of($o->{table})) . " ADD CONSTRAINT " . q_($o->{name}) . " FOREIGN KEY (" . join(', ', map { q_(column_of($_)->{name}) } @{ $o->{columns_} })
		  . ") REFERENCES " . q_name(of($key->{table})) . " (" . join(', ', map { q_(column_of($_)->{name}) } @{ $key->{columns_} }) . ")"
		  . ($o->{match} ? ' MATCH FULL' : '') . ($o->{on_update} ? " ON UPDATE $o->{on_update}" : '')
		  . ($o->{on_delete} ? " ON DELETE $o->{on_delete}" . ($o->{some_columns} && $o->{on_delete} eq 'SET NULL' ? ' (' . q_(column_of($o->{columns_}[0])->{name}) . ')' : '') : '')
		  . " $o->{deferrable}" . ($o->{not_valid} && !of($o->{table})->{partition} ? ' NOT VALID' : '');
	},
};

$KIND{exclusion} = {
	prefix => 'exclude', on => 1,
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table' ], sub { (class_of(type_of($_[0])) eq 'range' || has_btree(type_of($_[0]))) && !in_partition_tree($_[1]) }) or return 0;

		$o->{table} = ref_to($t);
		$o->{columns_} = [ ref_to($t, pick(@c)->{id}) ];
		return 1;
	},
	attrs => [ deferrable => sub { chance(20) ? 'DEFERRABLE' : '' }, where => sub { chance(30) ? dice() + 1 : undef }, n => \&dice ],
	valid => sub { my ($o) = @_; !in_partition_tree(of($o->{table})) && has_btree(type_of(column_of($o->{columns_}[0]))) },
	class => 'CONSTRAINT', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $r = $o->{columns_}[0];
		my $range = class_of(type_of(column_of($r))) eq 'range';

		return "ALTER TABLE " . q_name(of($o->{table})) . " ADD CONSTRAINT " . q_($o->{name}) . " EXCLUDE USING " . ($range ? 'gist' : 'btree') . " (" . q_(column_of($r)->{name})
		  . " WITH " . ($range ? nth($o->{n}, '&&', '=') : '=') . ")" . ($o->{where} ? ' WHERE (' . condition($r, $o->{where}) . ')' : '') . " $o->{deferrable}";
	},
};

$KIND{index} = {
	class => 'INDEX', prefix => 'idx',
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'matview' ], sub { 1 }) or return 0;

		$o->{schema} = undef;
		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { { ref => ref_to($t, $_->{id}), n => dice(), expression => chance(20), desc => pick('', '', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'), ops => chance(10), collate => chance(8) } } some(number(1, 3), @c) ];
		return 1;
	},
	attrs => [
		method => sub { pick('btree', 'btree', 'btree', 'btree', 'hash', 'gin', 'gist', 'brin', 'spgist') },
		unique => sub { chance(20) }, nulls => sub { chance(10) },
		where => sub { chance(20) ? dice() + 1 : undef },
		options => sub { chance(15) }, include => sub { chance(10) }, statistics => sub { chance(10) ? number(1, 300) : undef },
		cluster => sub { chance(5) }, replica => sub { chance(10) }, only => sub { chance(10) },
	],
	changes => {
		'columns' => sub { my ($o) = @_; my ($t) = of($o->{table}); my ($c) = some(1, columns($t)) or return 0; push @{ $o->{columns_} }, { ref => ref_to($t, $c->{id}), n => dice(), expression => 0, desc => '' }; 1 },
		'expression' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns_} }); $c->{expression} = !$c->{expression}; 1 },
		'order' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns_} }); $c->{desc} = pick('', ' DESC', ' NULLS FIRST'); 1 },
	},
	target => sub { q_(of(of($_[0]{table})->{schema})->{name}) . '.' . q_($_[0]{name}) },
	sql => \&index_sql,
};

sub index_sql
{
	my ($o) = @_;
	my $t = of($o->{table});
	my $method = $o->{method};
	my (@list, @done, $only_columns);
	my @c = @{ $o->{columns_} };
	my $n = q_(of($t->{schema})->{name}) . '.' . q_($o->{name});
	my %fits = (gin => qr/^(?:textarr|intarr|json|tsv|array)$/, gist => qr/^(?:range|tsv)$/, spgist => qr/^(?:text|range)$/, hash => qr/^(?:int|text|uuid|enum|date|num|bool)$/, brin => qr/^(?:int|text|date|ts|num|uuid)$/);

	$method = 'btree' if $method eq 'spgist' && grep { (type_of(column_of($_->{ref}))->{base} // '') =~ /^char/ } @c;
	$method = 'btree' if $fits{$method} && grep { class_of(type_of(column_of($_->{ref}))) !~ $fits{$method} } @c;
	@c = $c[0] if $method =~ /hash|spgist/;
	for my $c (@c)
	{
		my $column = column_of($c->{ref});
		my $type = type_of($column);
		my ($text, $result) = $c->{expression} && $method eq 'btree' || !has_btree($type) && $method eq 'btree' ? expression($c->{ref}, $c->{n}) : (q_($column->{name}), $type);
		my $is_text = class_of($result) eq 'text';

		$text = "($text)" if $text ne q_($column->{name});
		$text .= ' COLLATE "C"' if $c->{collate} && $is_text && $method =~ /btree|hash/;
		$text .= ' ' . ($result->{base} && $result->{base} =~ /^varchar/ ? 'varchar' : $result->{base} && $result->{base} =~ /^char/ ? 'bpchar' : 'text') . '_pattern_ops' if $c->{ops} && $is_text && $method eq 'btree' && $result->{base};
		$text .= ' jsonb_path_ops' if $c->{ops} && class_of($result) eq 'json' && $method eq 'gin';
		$text .= $c->{desc} if $method eq 'btree';
		push @list, $text;
	}
	my $expressions = grep { /^\(/ } @list;
	my $unique = $o->{unique} && $method eq 'btree' && !in_partition_tree($t);
	my $sql = "CREATE " . ($unique ? 'UNIQUE ' : '') . "INDEX " . q_($o->{name}) . " ON " . ($o->{only} && $t->{partition} ? 'ONLY ' : '') . q_name($t) . " USING $method (" . join(', ', @list) . ")";

	if ($o->{include} && $method =~ /^btree$/)
	{
		my %used = map { $_->{ref}{c} => 1 } @c;
		my ($extra) = grep { !$used{ $_->{id} } } columns($t);
		$sql .= " INCLUDE (" . q_($extra->{name}) . ")" if $extra;
	}
	$sql .= ' NULLS NOT DISTINCT' if $o->{nulls} && $unique;
	$sql .= ($method =~ /btree|hash|gist$/ ? ' WITH (fillfactor = 60)' : $method eq 'gin' ? ' WITH (fastupdate = off)' : ' WITH (pages_per_range = 16)') if $o->{options} && !$t->{partition};
	$sql .= ' WHERE ' . condition($c[0]{ref}, $o->{where}) if $o->{where};
	push @done, $sql;
	push @done, "ALTER INDEX $n ALTER COLUMN 1 SET STATISTICS $o->{statistics}" if $o->{statistics} && $list[0] =~ /^\(/;
	push @done, "ALTER TABLE " . q_name($t) . " CLUSTER ON " . q_($o->{name}) if $o->{cluster} && $method eq 'btree' && !$o->{where} && !in_partition_tree($t) && $t->{kind} eq 'table';
	push @done, "ALTER TABLE " . q_name($t) . " REPLICA IDENTITY USING INDEX " . q_($o->{name})
	  if $o->{replica} && $unique && !$o->{where} && !$expressions && $t->{kind} eq 'table' && !grep { !column_of($_->{ref})->{notnull} } @c;
	return @done;
}

# --- functions -----------------------------------------------------------

sub new_args
{
	my ($o) = @_;

	return [ map { { name => chance(80) ? new_name('arg') : undef, type => new_type(), default => chance(15) } } 1 .. pick(0, 0, 0, 1, 1, 2, 3) ];
}

sub args_text
{
	my ($o, $full) = @_;
	my @args = @{ $o->{args} };
	my $default = 0;
	my @list;

	for my $a (@args)
	{
		my $text = (defined $a->{name} && $full ? q_($a->{name}) . ' ' : '') . type_text($a->{type});

		if ($full && ($default || $a->{default}))
		{
			$text .= ' DEFAULT ' . (literal($a->{type}, 1) // 'NULL');
			$default = 1;
		}
		push @list, $text;
	}
	push @list, 'OUT ' . (q_('out') . ' text'), 'OUT out_2 integer' if $full && $o->{form} eq 'out';
	push @list, 'VARIADIC rest integer[] DEFAULT \'{}\'' if $o->{variadic} && $full && !$o->{form_is_fixed};
	push @list, 'integer[]' if $o->{variadic} && !$full && !$o->{form_is_fixed};
	return join(', ', @list);
}

sub call_text
{
	my ($f) = @_;

	return q_name($f) . '(' . join(', ', (map { 'NULL::' . type_text($_->{type}) } @{ $f->{args} }), ($f->{variadic} && !$f->{form_is_fixed} ? "VARIADIC '{}'::integer[]" : ())) . ')';
}

$KIND{function} = {
	class => 'FUNCTION', in_schema => 1, owner => 1, acl => ['EXECUTE'],
	target => sub { q_name($_[0]) . '(' . args_text($_[0]) . ')' },
	init => sub {
		my ($o) = @_;
		my @same = objects('function');

		# an overloaded function
		if (@same && chance(20) && !$o->{form})
		{
			my $other = pick(@same);
			if (!$other->{form_is_fixed})
			{
				@$o{qw(name schema args form)} = ($other->{name}, $other->{schema}, [ { name => undef, type => { base => 'jsonb' } }, map { { name => undef, type => { base => 'xml' } } } 1 .. ++$g->{overloads} ], 'scalar');
			}
		}
		return 1;
	},
	attrs => [
		language => sub { pick('sql', 'sql', 'plpgsql', 'plpgsql') },
		form => sub { pick(qw(scalar scalar scalar table setof out atomic)) },
		args => \&new_args,
		relation => sub { my ($t) = some(1, objects('table', 'view')); chance(60) && $t ? ref_to($t) : undef },
		volatility => sub { pick('VOLATILE', 'STABLE', 'IMMUTABLE') }, strict => sub { chance(20) }, definer => sub { chance(15) },
		parallel => sub { pick('', '', 'PARALLEL SAFE', 'PARALLEL RESTRICTED') }, cost => sub { chance(15) ? number(2, 1000) : undef },
		rows => sub { chance(20) ? number(5, 500) : undef }, leakproof => sub { chance(5) }, body => \&dice, variadic => sub { chance(8) },
		set => sub { chance(15) ? pick("search_path = pg_catalog, pg_temp", "search_path = ''", "work_mem = '64MB'", "search_path TO \"We\"\"ird\", public", "statement_timeout = '5s'\nSET lock_timeout = '1s'", "\"my.own\" = 'it''s, x'") : undef },
	],
	valid => sub { my ($o) = @_; return !$o->{relation} || ($o->{form} ne 'setof' && $o->{form} ne 'atomic') || columns(of($o->{relation})) > 0 },
	sql => \&function_sql,
};

sub dollars
{
	my ($body) = @_;
	my $tag = 'f';

	$tag .= 'f' while index($body, "\$$tag\$") >= 0;
	return "\$$tag\$$body\$$tag\$";
}

sub function_sql
{
	my ($o) = @_;
	my $form = $o->{form};
	my ($returns, $body, $n) = ('', '', $o->{body});
	my $relation = $o->{relation} && q_name(of($o->{relation}));
	my $set = 0;
	my $language = $o->{language};

	$form = 'scalar' if $form =~ /setof|atomic/ && !$relation;
	if ($o->{form_is_fixed})
	{
		($returns, $body, $language) = ($o->{returns}, $o->{text}, $o->{language});
	}
	elsif ($form eq 'scalar')
	{
		$returns = 'text';
		$body = $language eq 'sql' ? nth($n, "SELECT 'x$n'::text", "SELECT CASE WHEN true THEN 'it''s' ELSE '\$\$' END -- $n", "SELECT lower('$n')") : "BEGIN\n\tRETURN 'n$n'; -- %s\nEND";
	}
	elsif ($form eq 'table')
	{
		($returns, $set) = ("TABLE (" . q_("key $n") . " integer, value text)", 1);
		$body = $language eq 'sql' ? "SELECT $n, 'x'::text" : "BEGIN RETURN QUERY SELECT $n, 'x'::text; END";
	}
	elsif ($form eq 'setof')
	{
		($returns, $set) = ("SETOF $relation", 1);
		$body = $language eq 'sql' ? "SELECT * FROM $relation WHERE $n > 0" : "BEGIN RETURN QUERY SELECT * FROM $relation WHERE $n > 0; END";
	}
	elsif ($form eq 'out')
	{
		$body = $language eq 'sql' ? "SELECT 'a'::text, $n" : "BEGIN out_2 := $n; END";
	}
	my @rest = ($o->{volatility}, ($o->{strict} ? 'STRICT' : ()), ($o->{definer} ? 'SECURITY DEFINER' : ()), ($o->{leakproof} ? 'LEAKPROOF' : ()), $o->{parallel},
		($o->{cost} ? "COST $o->{cost}" : ()), ($o->{rows} && $set ? "ROWS $o->{rows}" : ()), ($o->{set} ? "SET $o->{set}" : ()));
	my $head = "CREATE FUNCTION " . q_name($o) . "(" . args_text($o, 1) . ")";

	if ($form eq 'atomic' && !$o->{form_is_fixed})
	{
		my ($c) = (columns(of($o->{relation})))[ $n % (scalar(() = columns(of($o->{relation}))) || 1) ];
		my $name = q_($c->{name});

		return "$head RETURNS bigint LANGUAGE sql " . join(' ', grep { length } @rest)
		  . nth($n, "\nRETURN (SELECT count(*) + $n FROM $relation r WHERE r.$name IS NOT NULL)", "\nBEGIN ATOMIC\n\tSELECT count(r.$name) FROM $relation r;\nEND", "\nBEGIN ATOMIC\n\tSELECT 1;\n\tSELECT CASE WHEN EXISTS (SELECT FROM $relation) THEN 1 ELSE $n END::bigint;\nEND");
	}
	return "$head" . (length $returns ? " RETURNS $returns" : '') . " LANGUAGE $language " . join(' ', grep { length } @rest) . " AS " . dollars($body);
}

sub fixed_function
{
	my ($args, $returns, $language, $text, %more) = @_;

	return add('function', form => 'scalar', form_is_fixed => 1, args => $args, returns => $returns, language => $language, text => $text, variadic => 0, rows => undef, relation => undef, strict => 0, acl => undef, %more);
}

sub existing_or { my ($test, $make) = @_; my @f = grep { $test->($_) } objects('function'); return @f && chance(60) ? pick(@f) : $make->() }

sub trigger_function { return existing_or(sub { ($_[0]{returns} // '') eq 'trigger' }, sub { fixed_function([], 'trigger', 'plpgsql', "BEGIN\n\tRETURN new; -- " . dice() . "\nEND") }) }

$KIND{procedure} = {
	class => 'PROCEDURE', in_schema => 1, owner => 1, acl => ['EXECUTE'],
	target => sub { q_name($_[0]) . '(' . args_text($_[0]) . ')' },
	attrs => [ args => \&new_args, form => sub { 'procedure' }, body => \&dice, language => sub { pick('sql', 'plpgsql') }, definer => sub { chance(20) }, set => sub { chance(15) ? "search_path = pg_catalog" : undef } ],
	sql => sub {
		my ($o) = @_;

		return "CREATE PROCEDURE " . q_name($o) . "(" . args_text($o, 1) . ") LANGUAGE $o->{language}" . ($o->{definer} ? ' SECURITY DEFINER' : '') . ($o->{set} ? " SET $o->{set}" : '')
		  . " AS " . dollars($o->{language} eq 'sql' ? "SELECT $o->{body}" : "BEGIN PERFORM $o->{body}; END");
	},
};

$KIND{aggregate} = {
	class => 'AGGREGATE', in_schema => 1, owner => 1, acl => ['EXECUTE'], grant_class => 'FUNCTION',
	grant_target => sub { q_name($_[0]) . '(' . ($_[0]{form} eq 'ordered' ? 'double precision, double precision' : $_[0]{form} eq 'text' ? 'text' : 'integer') . ')' },
	target => sub { q_name($_[0]) . '(' . ($_[0]{form} eq 'ordered' ? 'double precision ORDER BY double precision' : $_[0]{form} eq 'text' ? 'text' : 'integer') . ')' },
	init => sub {
		my ($o) = @_;

		if (chance(50))
		{
			my $f = existing_or(sub { ($_[0]{text} // '') =~ /^SELECT coalesce\(\$1/ }, sub { fixed_function([ { type => { base => 'text' } }, { type => { base => 'text' } } ], 'text', 'sql', "SELECT coalesce(\$1, '') || \$2", volatility => 'IMMUTABLE') });
			return 0 if !$f;
			@$o{qw(form sfunc)} = ('text', ref_to($f));
		}
		return 1;
	},
	attrs => [ form => sub { pick('sum', 'sum', 'moving', 'ordered') }, init => sub { chance(50) ? number(0, 9) : undef }, parallel => sub { chance(30) }, sortop => sub { chance(15) }, combine => sub { chance(30) } ],
	sql => sub {
		my ($o) = @_;
		my $n = q_name($o);
		my $more = (defined $o->{init} && $o->{form} ne 'ordered' ? ", INITCOND = '$o->{init}'" : '') . ($o->{parallel} ? ', PARALLEL = SAFE' : '');

		return "CREATE AGGREGATE $n (text) (SFUNC = " . q_name(of($o->{sfunc})) . ", STYPE = text$more)" if $o->{form} eq 'text';
		return "CREATE AGGREGATE $n (double precision ORDER BY double precision) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA$more)" if $o->{form} eq 'ordered';
		$more .= ', COMBINEFUNC = int4pl' if $o->{combine};
		$more .= ', SORTOP = >' if $o->{sortop};
		$more .= ', MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = integer, MINITCOND = \'0\'' if $o->{form} eq 'moving';
		return "CREATE AGGREGATE $n (integer) (SFUNC = int4pl, STYPE = integer$more)";
	},
};

my @OPERATORS = map { my $a = $_; map { "$a$_" } split(' ', '<> @> # %% && !! ~~ **') } split(' ', '@ ~ # % & ! ^ |');
$KIND{operator} = {
	in_schema => 1, owner => 1, class => 'OPERATOR',
	target => sub { my ($o) = @_; q_(of($o->{schema})->{name}) . ".$o->{name} (" . ($o->{prefix_} ? 'NONE' : 'text') . ", text)" },
	init => sub {
		my ($o) = @_;
		my %used = map { $_->{name} => 1 } objects('operator');

		$o->{name} = (some(1, grep { !$used{$_} } @OPERATORS))[0];
		$o->{prefix_} = chance(20);
		my $f = $o->{prefix_} ? fixed_function([ { type => { base => 'text' } } ], 'boolean', 'sql', 'SELECT $1 IS NULL', volatility => 'IMMUTABLE')
		  : existing_or(sub { ($_[0]{text} // '') =~ /^SELECT \$1 < \$2/ }, sub { fixed_function([ { type => { base => 'text' } }, { type => { base => 'text' } } ], 'boolean', 'sql', 'SELECT $1 < $2 -- ' . dice(), volatility => 'IMMUTABLE') });
		return 0 if !$f;
		$o->{function} = ref_to($f);
		return 1;
	},
	attrs => [
		restrict => sub { chance(40) ? pick('eqsel', 'scalarltsel', 'neqsel') : undef }, join => sub { chance(40) ? pick('eqjoinsel', 'scalarltjoinsel') : undef },
		self => sub { chance(30) }, hashes => sub { chance(15) }, negator => sub { my ($x) = some(1, grep { !$_->{negator} && !$_->{prefix_} } objects('operator')); chance(30) && $x ? ref_to($x) : undef },
	],
	sql => sub {
		my ($o) = @_;
		my @p = ("FUNCTION = " . q_name(of($o->{function})), ($o->{prefix_} ? () : 'LEFTARG = text'), 'RIGHTARG = text');

		push @p, "COMMUTATOR = OPERATOR(" . q_(of($o->{schema})->{name}) . ".$o->{name})" if $o->{self} && !$o->{prefix_};
		push @p, "RESTRICT = $o->{restrict}" if $o->{restrict};
		push @p, "JOIN = $o->{join}" if $o->{join} && !$o->{prefix_};
		push @p, 'HASHES' if $o->{hashes} && !$o->{prefix_};
		return "CREATE OPERATOR " . q_(of($o->{schema})->{name}) . ".$o->{name} (" . join(', ', @p) . ")";
	},
	fixed_name => 1,
};

$KIND{opfamily} = {
	class => 'OPERATOR FAMILY', in_schema => 1, owner => 1, prefix => 'family', target => sub { q_name($_[0]) . ' USING btree' },
	attrs => [ cross => sub { chance(40) } ],
	sql => sub {
		my ($o) = @_;
		return ("CREATE OPERATOR FAMILY " . q_name($o) . " USING btree",
			$o->{cross} ? "ALTER OPERATOR FAMILY " . q_name($o) . " USING btree ADD OPERATOR 1 <(integer, bigint), OPERATOR 3 =(integer, bigint), OPERATOR 5 >(integer, bigint), FUNCTION 1 (integer, bigint) btint48cmp(integer, bigint)" : ());
	},
};

$KIND{opclass} = {
	class => 'OPERATOR CLASS', in_schema => 1, owner => 1, prefix => 'class', target => sub { q_name($_[0]) . ' USING btree' },
	init => sub {
		my ($o) = @_;
		my $f = fixed_function([ { type => { base => 'integer' } }, { type => { base => 'integer' } } ], 'integer', 'sql', 'SELECT btint4cmp($2, $1)', volatility => 'IMMUTABLE');
		my ($family) = some(1, grep { my $x = $_; !$x->{cross} && !grep { $_ != $o && $_->{family} && $_->{family}{o} == $x->{id} } objects('opclass') } objects('opfamily'));

		return 0 if !$f;
		$o->{function} = ref_to($f);
		$o->{family} = ref_to($family) if $family && chance(60);
		return 1;
	},
	attrs => [ sortsupport => sub { chance(20) } ],
	sql => sub {
		my ($o) = @_;
		my $f = of($o->{function});

		return "CREATE OPERATOR CLASS " . q_name($o) . " FOR TYPE integer USING btree" . ($o->{family} ? ' FAMILY ' . q_name(of($o->{family})) : '')
		  . " AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 " . q_name($f) . "(integer, integer)" . ($o->{sortsupport} ? ', FUNCTION 4 btequalimage(oid)' : '');
	},
};

$KIND{cast} = {
	class => 'CAST', target => sub { my ($o) = @_; '(' . q_name(of($o->{source})) . ' AS ' . $o->{to} . ')' }, fixed_name => 1,
	init => sub {
		my ($o) = @_;
		my ($t) = some(1, objects('enum', 'composite', 'range')) or return 0;
		my $to = pick('bigint', 'jsonb', 'date');

		return 0 if grep { $_->{source}{o} == $t->{id} && $_->{to} eq $to } grep { $_ != $o } objects('cast');
		@$o{qw(source to)} = (ref_to($t), $to);
		if (chance(60))
		{
			my $f = fixed_function([ { type => { type => ref_to($t) } } ], $to, 'sql', "SELECT NULL::$to", volatility => 'IMMUTABLE') or return 0;
			$o->{function} = ref_to($f);
		}
		return 1;
	},
	attrs => [ context => sub { pick('', ' AS ASSIGNMENT') } ],
	sql => sub {
		my ($o) = @_;
		return "CREATE CAST " . target_text($o) . " " . ($o->{function} ? "WITH FUNCTION " . target_text(of($o->{function})) : 'WITH INOUT') . $o->{context};
	},
};

$KIND{conversion} = {
	class => 'CONVERSION', in_schema => 1, owner => 1, attrs => [ which => sub { pick(0, 1) } ],
	sql => sub { "CREATE CONVERSION " . q_name($_[0]) . ($_[0]{which} ? " FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8" : " FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1") },
};

$KIND{collation} = {
	class => 'COLLATION', in_schema => 1, owner => 1,
	attrs => [ form => sub { pick("LOCALE = 'C'", "PROVIDER = icu, LOCALE = 'de'", "PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false", "LC_COLLATE = 'C', LC_CTYPE = 'POSIX'") } ],
	sql => sub { "CREATE COLLATION " . q_name($_[0]) . " ($_[0]{form})" },
};

# --- views ---------------------------------------------------------------

sub item_type
{
	my ($item) = @_;

	return { base => 'text' } if $item->{function};
	return { base => 'text' } if !column_of($item->{ref});
	return $item->{plain} ? type_of(column_of($item->{ref})) : (expression($item->{ref}, $item->{n}))[1];
}

sub item_text
{
	my ($item, $prefix) = @_;

	if ($item->{function})
	{
		my $f = of($item->{function});
		return $f ? call_text($f) . '::text' : 'NULL::text';
	}
	return $item->{plain} ? $prefix . q_(column_of($item->{ref})->{name}) : (expression($item->{ref}, $item->{n}, $prefix))[0];
}

sub view_init
{
	my ($o) = @_;
	my ($t, @c) = table_with([ qw(table table view matview foreign_table) ], sub { 1 });

	return 0 if !$t || $t->{id} == $o->{id};
	$o->{from} = ref_to($t);
	$o->{columns} = [ map { { id => ++$g->{ids}, name => chance(50) ? $_->{name} : new_name('c'), item => { ref => ref_to($t, $_->{id}), n => dice(), plain => chance(70) } } } some(number(1, 4), @c) ];
	if (chance(15))
	{
		my ($f) = some(1, grep { $_->{form} eq 'scalar' && !$_->{form_is_fixed} } objects('function'));
		push @{ $o->{columns} }, { id => ++$g->{ids}, name => new_name('c'), item => { function => ref_to($f), soft => 1 } } if $f;
	}
	my %s;
	$o->{columns} = [ grep { !$s{ $_->{name} }++ } @{ $o->{columns} } ];
	return 1;
}

sub view_query
{
	my ($o) = @_;
	my $t = q_name(of($o->{from}));
	my $list = join(', ', map { item_text($_->{item}, 'r.') . ' AS ' . q_($_->{name}) } @{ $o->{columns} });
	my ($c) = grep { $_->{item}{ref} } @{ $o->{columns} };
	my $where = $c && $o->{where} ? ' WHERE ' . condition($c->{item}{ref}, $o->{where}, 'r.') : '';
	my $all = join(', ', map { q_($_->{name}) } @{ $o->{columns} });
	my $form = $o->{form};

	return "SELECT DISTINCT ON (r.ctid) $list FROM $t r$where" if $form eq 'distinct' && of($o->{from})->{kind} eq 'table' && 0;
	return "SELECT $list FROM $t r LEFT JOIN (SELECT count(*) AS n FROM $t) x ON x.n > 1$where" if $form eq 'join';
	return "WITH w AS (SELECT $list FROM $t r$where) SELECT $all FROM w" if $form eq 'cte';
	return "SELECT $list FROM $t r$where UNION ALL SELECT $list FROM $t r LIMIT 10" if $form eq 'union';
	return "SELECT $list FROM $t r$where ORDER BY 1 LIMIT 5" if $form eq 'limit' && has_btree(type_of($o->{columns}[0]));
	return "WITH RECURSIVE w AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM w WHERE n < 5) SELECT $list FROM w, $t r$where" if $form eq 'recursive';
	return "SELECT $list FROM $t r, LATERAL (SELECT 1 AS one) l WHERE EXISTS (SELECT FROM pg_class k WHERE k.relname <> 'q')" if $form eq 'lateral';
	return "SELECT $list FROM $t r$where";
}

my %view_changes = (
	'column appended' => sub { my ($o) = @_; my $t = of($o->{from}); my ($c) = some(1, columns($t)) or return 0; push @{ $o->{columns} }, { id => ++$g->{ids}, name => new_name('c'), item => { ref => ref_to($t, $c->{id}), n => dice(), plain => chance(60) } }; 1 },
	'column removed' => sub { my ($o) = @_; return 0 if @{ $o->{columns} } < 2; splice(@{ $o->{columns} }, number(0, $#{ $o->{columns} }), 1); 1 },
	'column renamed' => sub { my ($o) = @_; pick(@{ $o->{columns} })->{name} = new_name('c'); 1 },
	'column expression' => sub { my ($o) = @_; my $c = pick(@{ $o->{columns} }); return 0 if $c->{item}{function}; $c->{item}{plain} = !$c->{item}{plain}; 1 },
);

$KIND{view} = {
	class => 'VIEW', in_schema => 1, owner => 1, acl => \@TABLE_ACL, grant_class => 'TABLE',
	init => \&view_init,
	attrs => [
		form => sub { pick(qw(plain plain plain join cte union limit recursive lateral)) }, where => sub { chance(50) ? dice() + 1 : undef },
		options => sub { chance(20) ? pick('security_barrier = true', 'security_invoker = true', 'security_barrier = true, security_invoker = false') : undef },
		check_option => sub { chance(8) ? pick('LOCAL', 'CASCADED') : undef }, column_default => sub { chance(8) }, column_comment => sub { chance(8) ? new_comment() : undef },
	],
	changes => \%view_changes,
	sql => sub {
		my ($o) = @_;
		my $n = q_name($o);
		my $updatable = $o->{form} eq 'plain' && of($o->{from})->{kind} eq 'table' && grep { $_->{item}{plain} } @{ $o->{columns} };
		my @sql = "CREATE VIEW $n" . ($o->{options} ? " WITH ($o->{options})" : '') . " AS " . view_query($o) . ($o->{check_option} && $updatable ? " WITH $o->{check_option} CHECK OPTION" : '');
		my $first = $o->{columns}[0];
		my $default = literal(type_of($first), 1);

		push @sql, "ALTER VIEW $n ALTER COLUMN " . q_($first->{name}) . " SET DEFAULT $default" if $o->{column_default} && defined $default;
		push @sql, "COMMENT ON COLUMN $n." . q_($first->{name}) . " IS " . lit($o->{column_comment}) if defined $o->{column_comment};
		return @sql;
	},
};

$KIND{matview} = {
	class => 'MATERIALIZED VIEW', in_schema => 1, owner => 1, acl => \@TABLE_ACL, grant_class => 'TABLE',
	init => \&view_init,
	attrs => [ form => sub { pick(qw(plain plain join cte union)) }, where => sub { chance(50) ? dice() + 1 : undef }, options => sub { chance(15) ? 'fillfactor = ' . number(40, 90) : undef }, nodata => sub { chance(20) } ],
	changes => \%view_changes,
	sql => sub { my ($o) = @_; "CREATE MATERIALIZED VIEW " . q_name($o) . ($o->{options} ? " WITH ($o->{options})" : '') . " AS " . view_query($o) . ($o->{nodata} || uses_foreign($o) ? ' WITH NO DATA' : '') },
};

sub uses_foreign
{
	my ($o) = @_;

	return 1 if $o->{kind} =~ /view$/ && $o->{from} && (of($o->{from})->{owner} || of($o->{from})->{acl} || $o->{owner});
	return 1 if $o->{kind} eq 'foreign_table' || $o->{kind} eq 'matview' && $o->{nodata};
	return scalar grep { my $x = of($_); $x && uses_foreign($x) } grep { defined } $o->{from}, $o->{kind} eq 'table' ? map { ref_to($_) } grep { $_->{parent_foreign} && $_->{parent_foreign}{o} == $o->{id} } objects('foreign_table') : ();
}

# --- what hangs on relations -----------------------------------------------

$KIND{trigger} = {
	prefix => 'trg',
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'table', 'view' ], sub { !$_[1]{parent} }) or return 0;
		my $f = trigger_function() or return 0;

		@$o{qw(table function)} = (ref_to($t), ref_to($f));
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } some(number(1, 2), @c) ];
		return 1;
	},
	attrs => [
		time => sub { pick('BEFORE', 'AFTER') }, events => sub { [ sort(some(number(1, 3), 'INSERT', 'UPDATE', 'DELETE')) ] }, row => sub { chance(60) },
		of => sub { chance(20) }, when => sub { chance(25) ? dice() + 1 : undef }, transition => sub { chance(15) }, constraint => sub { chance(12) ? pick(' NOT DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED', ' DEFERRABLE') : undef },
		enabled => sub { chance(20) ? pick('DISABLE', 'ENABLE REPLICA', 'ENABLE ALWAYS') : undef }, args => sub { chance(15) ? "'a', 'it''s'" : '' },
	],
	class => 'TRIGGER', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	valid => sub { my ($o) = @_; !of($o->{table})->{parent} },
	sql => sub {
		my ($o) = @_;
		my $t = of($o->{table});
		my $view = $t->{kind} eq 'view';
		my ($time, $row, $constraint) = ($o->{time}, $o->{row}, $view ? undef : $o->{constraint});
		my @events = @{ $o->{events} };
		my $referencing = '';
		my $columns = $o->{of} && !($view && $row) ? ' OF ' . join(', ', map { q_(column_of($_)->{name}) } @{ $o->{columns_} }) : '';
		my $when = $o->{when};

		($time, $when) = ('INSTEAD OF', undef) if $view && $row;
		($time, $row) = ('AFTER', 1) if $constraint;
		if ($o->{transition} && $time eq 'AFTER' && !$view && !$constraint && !($row && ($t->{partition} || $t->{inherits} || has_children($t))))
		{
			($columns, @events) = ('', $events[0]);
			$referencing = " REFERENCING " . ($events[0] eq 'INSERT' ? 'NEW TABLE AS new_rows' : $events[0] eq 'DELETE' ? 'OLD TABLE AS old_rows' : 'OLD TABLE AS old_rows NEW TABLE AS new_rows');
		}
		my $ref = $o->{columns_}[0];
		$when = undef if !$row || $time eq 'BEFORE' && column_of($ref)->{generated};
		my $prefix = grep({ $_ eq 'DELETE' } @events) ? 'old.' : 'new.';
		$when = undef if $prefix eq 'old.' && grep { $_ eq 'INSERT' } @events;
		my @sql = "CREATE " . ($constraint ? 'CONSTRAINT ' : '') . "TRIGGER " . q_($o->{name}) . " $time " . join(' OR ', map { $_ eq 'UPDATE' ? "UPDATE$columns" : $_ } @events) . " ON " . q_name($t)
		  . ($constraint // '') . $referencing . " FOR EACH " . ($row ? 'ROW' : 'STATEMENT')
		  . (defined $when ? " WHEN (" . condition($ref, $when, $prefix) . ")" : '') . " EXECUTE FUNCTION " . q_name(of($o->{function})) . "($o->{args})";
		push @sql, "ALTER TABLE " . q_name($t) . " " . ($o->{enabled} =~ /^DISABLE/ ? 'DISABLE' : $o->{enabled}) . " TRIGGER " . q_($o->{name}) if $o->{enabled} && !$view;
		return @sql;
	},
};

$KIND{rule} = {
	prefix => 'rule',
	init => sub { my ($o) = @_; my ($t) = some(1, grep { !$_->{parent} } objects('table', 'view')) or return 0; $o->{table} = ref_to($t); 1 },
	attrs => [ event => sub { pick('INSERT', 'UPDATE', 'DELETE') }, action => \&dice, enabled => sub { chance(15) ? pick('DISABLE', 'ENABLE ALWAYS') : undef }, other => sub { my ($t) = some(1, grep { !$_->{parent} } objects('table')); $t ? ref_to($t) : undef } ],
	class => 'RULE', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $t = of($o->{table});
		my $action = nth($o->{action}, 'INSTEAD NOTHING', 'ALSO SELECT 1', 'ALSO NOTIFY something', $o->{other} && of($o->{other}) && $o->{other}{o} != $o->{table}{o} ? 'ALSO DELETE FROM ' . q_name(of($o->{other})) . ' WHERE false' : 'INSTEAD NOTHING', 'ALSO (SELECT 1; NOTIFY x)');
		my @sql = "CREATE RULE " . q_($o->{name}) . " AS ON $o->{event} TO " . q_name($t) . " DO $action";

		push @sql, "ALTER TABLE " . q_name($t) . " $o->{enabled} RULE " . q_($o->{name}) if $o->{enabled} && $t->{kind} eq 'table';
		return @sql;
	},
};

$KIND{policy} = {
	prefix => 'policy',
	init => sub { my ($o) = @_; my ($t, @c) = table_with([ 'table' ], sub { 1 }) or return 0; $o->{table} = ref_to($t); $o->{column} = ref_to($t, pick(@c)->{id}); 1 },
	attrs => [
		restrictive => sub { chance(20) }, command => sub { pick('ALL', 'ALL', 'SELECT', 'INSERT', 'UPDATE', 'DELETE') }, roles => sub { chance(50) ? [ some(number(1, 2), @ROLES) ] : undef },
		using => \&dice, check => sub { chance(50) ? dice() : undef }, other => sub { my ($t) = some(1, objects('table')); chance(20) && $t ? ref_to($t) : undef },
	],
	class => 'POLICY', target => sub { q_($_[0]{name}) . ' ON ' . q_name(of($_[0]{table})) },
	sql => sub {
		my ($o) = @_;
		my $using = condition($o->{column}, $o->{using});
		my $check = defined $o->{check} ? condition($o->{column}, $o->{check}) : undef;

		$using .= ' AND EXISTS (SELECT FROM ' . q_name(of($o->{other})) . ')' if $o->{other} && of($o->{other});
		$check //= 'true' if $o->{command} eq 'INSERT';
		return "CREATE POLICY " . q_($o->{name}) . " ON " . q_name(of($o->{table})) . ($o->{restrictive} ? ' AS RESTRICTIVE' : '') . " FOR $o->{command}"
		  . ($o->{roles} ? ' TO ' . join(', ', map { q_($_) } @{ $o->{roles} }) : '') . ($o->{command} ne 'INSERT' ? " USING ($using)" : '')
		  . (defined $check && $o->{command} !~ /SELECT|DELETE/ ? " WITH CHECK ($check)" : '');
	},
};

$KIND{statistics} = {
	class => 'STATISTICS', in_schema => 1, owner => 1, prefix => 'stat',
	init => sub {
		my ($o) = @_;
		my ($t, @c) = table_with([ 'table', 'matview' ], sub { has_btree(type_of($_[0])) }) or return 0;

		return 0 if @c < 2;
		$o->{table} = ref_to($t);
		$o->{columns_} = [ map { ref_to($t, $_->{id}) } some(number(2, 3), @c) ];
		return 1;
	},
	valid => sub { my ($o) = @_; !grep { !has_btree(type_of(column_of($_))) } @{ $o->{columns_} } },
	attrs => [ kinds => sub { chance(50) ? [ sort(some(number(1, 3), qw(ndistinct dependencies mcv))) ] : undef }, expression => sub { chance(30) ? dice() : undef }, target_ => sub { chance(20) ? number(0, 500) : undef } ],
	sql => sub {
		my ($o) = @_;
		my @list = map { q_(column_of($_)->{name}) } @{ $o->{columns_} };

		$list[0] = '((' . (expression($o->{columns_}[0], $o->{expression}))[0] . '))' if defined $o->{expression};
		return ("CREATE STATISTICS " . q_name($o) . ($o->{kinds} ? ' (' . join(', ', @{ $o->{kinds} }) . ')' : '') . " ON " . join(', ', @list) . " FROM " . q_name(of($o->{table})),
			defined $o->{target_} ? "ALTER STATISTICS " . q_name($o) . " SET STATISTICS $o->{target_}" : ());
	},
};

# --- what has no schema ----------------------------------------------------

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
			push @list, "TABLE " . q_name($t) . ($p->{columns} && $c && !$schema && ($o->{root} || !$t->{partition}) ? ' (' . q_($c->{name}) . ')' : '')
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
	attrs => [ options => sub { chance(70) ? "user 'u" . number(1, 9) . "', password 'p''w'" : undef } ],
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

# --- a whole schema --------------------------------------------------------

# Remove objects that have lost what they refer to, or that are not valid.
sub prune
{
	my $again = 1;

	while ($again)
	{
		$again = 0;
		for my $o (map { $g->{objects}{$_} } sort { $a <=> $b } keys %{ $g->{objects} })
		{
			my $k = $KIND{ $o->{kind} };

			for my $c (@{ $o->{columns} // [] })
			{
				delete $c->{default_function} if $c->{default_function} && !of($c->{default_function});
				delete $c->{default_sequence} if $c->{default_sequence} && !of($c->{default_sequence});
				delete $c->{generated} if $c->{generated} && (!column_of($c->{generated}{ref}) || column_of($c->{generated}{ref})->{generated});
				$c->{type} = { base => 'text' } if $c->{type} && $c->{type}{type} && !of($c->{type}{type});
			}
			$o->{columns} = [ grep { !($_->{item} && $_->{item}{ref} && !column_of($_->{item}{ref})) && !($_->{item} && $_->{item}{function} && !of($_->{item}{function})) } @{ $o->{columns} } ] if $o->{kind} =~ /view$/;
			$o->{tables} = [ grep { of($_->{table}) } @{ $o->{tables} } ] if $o->{kind} eq 'publication';
			$o->{mappings} = [ grep { !$_->{with} || of($_->{with}) } @{ $o->{mappings} } ] if $o->{kind} eq 'ts_config';
			delete $o->{schema_} if $o->{schema_} && !of($o->{schema_});
			delete $o->{other} if $o->{other} && !of($o->{other});
			delete $o->{include} if ref($o->{include}) eq 'Ref' && !column_of($o->{include});
			delete $o->{negator} if $o->{negator} && !of($o->{negator});
			delete $o->{was};

			my $good = !grep { !of($_) || defined $_->{c} && !column_of($_) } refs($o);
			$good = 0 if $good && $o->{kind} =~ /view$/ && !@{ $o->{columns} };
			$good = 0 if $good && $o->{kind} =~ /view$/ && !grep { 1 } columns(of($o->{from}));
			$good = 0 if $good && $o->{kind} =~ /^(?:view|matview|function)$/ && in_cycle($o);
			$good = 0 if $good && $k->{valid} && !$k->{valid}->($o);
			if (!$good)
			{
				delete $g->{objects}{ $o->{id} };
				$again = 1;
			}
		}
	}
}

sub in_cycle
{
	my ($o) = @_;
	my %seen;
	my @todo = map { $_->{o} } refs($o);

	while (defined(my $id = shift @todo))
	{
		return 1 if $id == $o->{id};
		next if $seen{$id}++ || !$g->{objects}{$id};
		push @todo, map { $_->{o} } grep { $_->{o} != $id } refs($g->{objects}{$id});
	}
	return 0;
}

# text(): the SQL of the model, in an order in which it can be loaded
sub text
{
	my (%done, @out);
	my $visit;

	$visit = sub {
		my ($o) = @_;

		return if $done{ $o->{id} }++;
		$visit->($_) for sort { $a->{id} <=> $b->{id} } grep { $_ && $_->{id} != $o->{id} } map { of($_) } refs($o);
		# a partition can be attached as long as the parent has no check constraint
		$visit->($_) for grep { $o->{kind} eq 'check' && $_->{attached} && is_ancestor(of($o->{table}), $_) } objects('table');
		push @out, map { "$_;\n" } $KIND{ $o->{kind} }{sql}->($o), common_sql($o);
	};
	my @all = shuffled(map { $g->{objects}{$_} } sort { $a <=> $b } keys %{ $g->{objects} });

	$visit->($_) for grep { !$KIND{ $_->{kind} }{late} } @all;
	$visit->($_) for grep { $KIND{ $_->{kind} }{late} } @all;
	return join('', @out);
}

sub changeable
{
	my ($o) = @_;
	my $k = $KIND{ $o->{kind} };
	my @attrs = grep { $_ ne 'form' || $o->{kind} ne 'aggregate' } map { $k->{attrs}[ 2 * $_ ] } 0 .. @{ $k->{attrs} // [] } / 2 - 1;

	@attrs = grep { /^(?:volatility|strict|definer|parallel|cost|leakproof|set)$/ } @attrs if $o->{form_is_fixed};
	my @labels = map { [ $_, undef ] } @attrs;
	push @labels, map { [ $_, $k->{changes}{$_} ] } (sort keys %{ $k->{changes} // {} }) x 2;
	push @labels, [ 'comment', sub { $_[0]{comment} = defined $_[0]{comment} && chance(50) ? undef : new_comment(); 1 } ] if $k->{class};
	push @labels, [ 'owner', sub { $_[0]{owner} = new_owner(); 1 } ] if $k->{owner};
	push @labels, [ 'grants', sub { $_[0]{acl} = $_[0]{acl} && chance(40) ? undef : new_acl($_[0]); 1 } ] if $k->{acl};
	return @labels;
}

sub same_place
{
	my ($x, $y) = @_;

	return !grep { ($x->{$_} ? $x->{$_}{o} : 0) != ($y->{$_} ? $y->{$_}{o} : 0) } qw(schema table);
}

# change(): makes one random change and returns its name; undef if nothing was
# changed
sub change
{
	my @all = map { $g->{objects}{$_} } sort { $a <=> $b } keys %{ $g->{objects} };
	my $o = pick(@all) or return undef;
	my $k = $KIND{ $o->{kind} };
	my $dice = rand(100);

	if ($dice < 22)
	{
		my $kind = pick(@{ $g->{kinds} });
		return add($kind) ? "$kind: added" : undef;
	}
	if ($dice < 37)
	{
		return undef if $o->{kind} eq 'schema' && objects('schema') < 3 || $o->{kind} =~ /^(?:schema|table)$/ && chance(50);
		delete $g->{objects}{ $o->{id} };
		return "$o->{kind}: dropped";
	}
	if ($dice < 42 && !$k->{fixed_name} && !$o->{form_is_fixed})
	{
		$o->{name} = new_name($k->{prefix} // $o->{kind});
		return "$o->{kind}: renamed";
	}
	if ($dice < 47 && !$k->{fixed_name} && !$o->{form_is_fixed})
	{
		my ($other) = some(1, grep { $_->{id} != $o->{id} && !$_->{form_is_fixed} && same_place($_, $o) } objects($o->{kind})) or return undef;

		return undef if $o->{name} eq $other->{name};
		($o->{name}, $other->{name}) = ($other->{name}, $o->{name});
		return "$o->{kind}: names swapped";
	}
	if ($dice < 50 && $k->{in_schema} && $o->{kind} ne 'function')
	{
		my $s = ref_to(pick(objects('schema')));

		return undef if $s->{o} == $o->{schema}{o};
		$o->{schema} = $s;
		return "$o->{kind}: schema";
	}
	my @labels = changeable($o) or return undef;
	my ($label, $how) = @{ pick(@labels) };

	if ($how)
	{
		return $how->($o) ? "$o->{kind}: $label" : undef;
	}
	my ($make) = map { $k->{attrs}[ 2 * $_ + 1 ] } grep { $k->{attrs}[ 2 * $_ ] eq $label } 0 .. @{ $k->{attrs} } / 2 - 1;
	for (1 .. 10)
	{
		my $new = $make->($o);
		my ($x, $y) = map { defined $_ ? ref $_ ? Storable::freeze([$_]) : $_ : '' } $new, $o->{$label};

		next if $x eq $y;
		$o->{$label} = $new;
		return "$o->{kind}: $label";
	}
	return undef;
}

# pair(SEED, OPTION => VALUE...): (a, b, changes). The options are size, the
# number of objects; changes, their number; and kinds, a list.
sub pair
{
	my ($seed, %options) = @_;
	my @all = sort keys %KIND;
	my ($model, $a, @made);

	srand($seed);
	$g = { objects => {}, ids => 0, names => 0, overloads => 0 };
	my @kinds = $options{kinds} ? @{ $options{kinds} } : (some(number(3, 12), @all), qw(table table key index));
	$g->{kinds} = [@kinds];
	add('schema', name => 'app') for 1;
	add('schema') for 1 .. number(0, 2);
	add('table') for 1 .. number(0, 3);
	for (1 .. $options{size} // number(5, 40))
	{
		add(pick(@kinds));
	}
	prune();
	$a = text();
	$g = dclone($g);
	my $wanted = $options{changes} // number(1, 12);
	for (1 .. $wanted * 3)
	{
		last if @made >= $wanted;
		my $label = change();
		next if !defined $label;
		prune();
		push @made, $label;
	}
	my $b = text();
	utf8::encode($_) for $a, $b;
	return ($a, $b, @made);
}

1;
