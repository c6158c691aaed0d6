# Copyright (c) 2026, the pg_cmig developers

# Functions, procedures, aggregates, operators and their classes, casts,
# conversions, and collations.

package SchemaGenerator;

use strict;
use warnings;
use utf8;

our ($g, %KIND, @ROLES);

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

# Is there an older function with the same name and argument types?  After two functions
# have exchanged their names, an overloaded one can have the same arguments as another.
sub is_duplicate
{
	my ($o) = @_;

	return grep { $_->{id} < $o->{id} && $_->{name} eq $o->{name} && same_place($_, $o) && !(grep { !of($_) } refs($_)) && args_text($_) eq args_text($o) } objects('function');
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
	valid => sub { my ($o) = @_; return 0 if is_duplicate($o); return !$o->{relation} || ($o->{form} ne 'setof' && $o->{form} ne 'atomic') || columns(of($o->{relation})) > 0 },
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

1;
