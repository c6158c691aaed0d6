# Copyright (c) 2026, the pg_cmig developers

# The trigger of an expanded table notes when the old build writes.  Who may drop the sequence in which
# it does so must not make a statement fail that is running.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CmigExpand;
use CmigNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = expand_node('note_dropped');

sql('postgres', 'CREATE DATABASE d');
sql('d', q{CREATE EXTENSION pg_cmig;
	SELECT cmig.create_revision('a', 'CREATE TABLE t (id int PRIMARY KEY, name text)', 'DROP TABLE t', revision => '1');
	SELECT FROM cmig.upgrade();
	SELECT cmig.create_revision('b', E'ALTER TABLE t ADD z text;\n-- cmig:up t.z = name', 'ALTER TABLE t DROP z', revision => '2', expand => true)});
sql('d', 'SET client_min_messages = error; CALL cmig.expand()');

# The time is noted again after a second, and looked at for each 64th row.
sql('d', q{CREATE FUNCTION drop_it() RETURNS bool LANGUAGE plpgsql AS $$
	BEGIN
		DROP SEQUENCE public_2.cmig_old_t;
		PERFORM pg_sleep(1.1);
		RETURN true;
	END $$});
is(sql('d', q{INSERT INTO t SELECT g, 'x' FROM generate_series(1, 200) g WHERE g <> 50 OR drop_it(); SELECT count(*) FROM public_2.t WHERE z = name}),
	200, 'the statement ends');
like(sql('d', 'SELECT problem FROM cmig.check()'), qr/not noted in it: sequence public_2\.cmig_old_t does not exist/, 'check has it');
sql('d', 'SET client_min_messages = error; CALL cmig.contract()');
is(sql('d', 'SELECT count(*) FROM t WHERE z = name'), 200, 'the rows after the contraction');

done_testing();
