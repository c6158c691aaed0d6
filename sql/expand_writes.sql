-- Two versions at once: a write through a version changes of that version's own
-- columns those that it names, and no hidden column is written but through the view.
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_writes;
\set VERBOSITY default
SET client_min_messages = warning;
SELECT * FROM cmig.load($c$
-- revision: 001
-- message: start
-- cmig:upgrade
CREATE TABLE b (id int PRIMARY KEY, x text, y int NOT NULL DEFAULT 0, w int DEFAULT 7);
CREATE TABLE inv (id int PRIMARY KEY, tenant_id int NOT NULL, note text);
CREATE TABLE part (id int, tenant_id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part_2 (tenant_id int, id int NOT NULL);
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON UPDATE CASCADE ON DELETE SET NULL);
ALTER TABLE inv ENABLE ROW LEVEL SECURITY;
ALTER TABLE part ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenants ON inv USING (tenant_id IN (1, 2));
CREATE POLICY tenants ON part USING (tenant_id IN (1, 2));
GRANT SELECT, INSERT, UPDATE, DELETE ON b, inv, part TO regress_writes;
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- message: change
-- expand: true
-- cmig:upgrade
ALTER TABLE b ADD z int;
-- cmig:up b.z = y * 2
ALTER TABLE b ALTER x TYPE varchar(90) USING x || y;
-- cmig:down b.x = x || '!' || y
ALTER TABLE b DROP w;
-- cmig:down b.w = y + 1
DROP POLICY tenants ON inv;
DROP POLICY tenants ON part;
ALTER TABLE inv ALTER tenant_id TYPE bigint;
ALTER TABLE part ALTER tenant_id TYPE bigint;
CREATE POLICY tenants ON inv USING (tenant_id IN (1, 2));
CREATE POLICY tenants ON part USING (tenant_id IN (1, 2));
ALTER TABLE parent ALTER id TYPE bigint;
ALTER TABLE child ALTER parent TYPE bigint;
-- cmig:downgrade
$c$);
\set ECHO all
SELECT revision FROM cmig.upgrade('001');
CALL cmig.expand('head', confirm => true);

-- through the view, also as the first statement of a session
INSERT INTO public_042.b (id, x, y, z) VALUES (1, 'a', 2, 3), (2, 'b', 2, 3);
\c
SET search_path = public_042, public;
UPDATE b SET y = 30 WHERE id = 1 RETURNING *;
SELECT * FROM public.b ORDER BY id;
UPDATE b SET y = 31, z = NULL WHERE id = 1 RETURNING *;
UPDATE b SET x = 'c' WHERE id = 1 RETURNING *;
INSERT INTO b VALUES (1, 1, 'q', 1) ON CONFLICT (id) DO UPDATE SET y = 32 RETURNING *;
SELECT * FROM public.b WHERE id = 1;
-- through the table
UPDATE public.b SET y = 40 WHERE id = 2 RETURNING id, x, y, w;
SELECT * FROM b WHERE id = 2;
UPDATE public.b SET x = 'd', w = NULL, y = 41 WHERE id = 2 RETURNING id, x, y, w;
INSERT INTO public.b VALUES (2) ON CONFLICT (id) DO UPDATE SET y = 42 RETURNING id, x, y, w;
SELECT * FROM b WHERE id = 2;
-- through both in one statement
WITH old AS (UPDATE public.b SET y = 50 WHERE id = 1 RETURNING id, x, y, w), new AS (UPDATE b SET y = 51 WHERE id = 2 RETURNING *)
SELECT old.*, new.* FROM old, new;
SELECT * FROM b ORDER BY id;
SELECT id, x, y, w FROM public.b ORDER BY id;
-- in a function, and with an alias
CREATE FUNCTION public.both_ways(n int) RETURNS void LANGUAGE plpgsql AS $$BEGIN
	UPDATE public.b SET y = n WHERE id = 1; UPDATE public_042.b AS c SET y = n WHERE id = 2;
END$$;
SELECT both_ways(60);
SELECT both_ways(61);
SELECT n.id, n.z, o.w FROM b n JOIN public.b o USING (id) ORDER BY id;
DROP FUNCTION both_ways;
-- what a trigger sets in the old version counts, of a new row and of an old one
\set ECHO none
CREATE FUNCTION public.sets_w() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.w = -1; RETURN NEW; END$$;
CREATE TRIGGER sets_w BEFORE INSERT OR UPDATE ON public.b FOR EACH ROW EXECUTE FUNCTION sets_w();
INSERT INTO b (id, y) VALUES (3, 70);
UPDATE b SET y = 71 WHERE id = 2;
UPDATE public.b SET y = 71 WHERE id = 1;
\set ECHO all
SELECT id, y, w FROM public.b ORDER BY id;
DROP FUNCTION sets_w CASCADE;
DELETE FROM b WHERE id = 3;

-- a hidden column is written through the view only: a role with two permitted tenants
INSERT INTO public.inv VALUES (1, 1), (2, 1);
INSERT INTO public.part VALUES (1, 1), (2, 1); SET ROLE regress_writes;
UPDATE public.inv SET tenant_id = 2, cmig_new_tenant_id = 99 WHERE id = 1;
UPDATE public.inv SET cmig_new_tenant_id = 2 WHERE id = 1;
UPDATE public.inv SET tenant_id = 2, cmig_new_tenant_id = cmig_new_tenant_id WHERE id = 1;
UPDATE public.inv SET tenant_id = 2, cmig_new_tenant_id = 99, cmig_state = 'old' WHERE id = 2;
UPDATE public.inv SET tenant_id = 2, cmig_new_tenant_id = 99, cmig_state = 'new' WHERE id = 2;
UPDATE public.inv SET tenant_id = 2, cmig_new_tenant_id = 1, cmig_state = 'new' WHERE id = 2;
UPDATE public.inv SET cmig_state = 'anything' WHERE id = 2;
INSERT INTO public.inv VALUES (2, 1) ON CONFLICT (id) DO UPDATE SET tenant_id = 2, cmig_new_tenant_id = 99;
INSERT INTO inv (id, tenant_id) VALUES (2, 1) ON CONFLICT (id) DO UPDATE SET tenant_id = 99;
UPDATE inv SET tenant_id = 99 WHERE id = 2;
INSERT INTO public.inv (id, tenant_id, cmig_new_tenant_id) VALUES (3, 2, 99);
INSERT INTO public.inv (id, tenant_id, cmig_new_tenant_id, cmig_state) VALUES (3, 2, 99, NULL);
\copy public.inv (id, tenant_id, cmig_new_tenant_id, cmig_state) FROM /dev/null
INSERT INTO public.part (id, tenant_id, cmig_new_tenant_id, cmig_state) VALUES (3, 2, 99, NULL);
WITH moved AS (UPDATE public.part SET id = 102 WHERE id = 2 RETURNING 103, tenant_id) INSERT INTO public.part (id, tenant_id, cmig_new_tenant_id, cmig_state) SELECT *, 99, NULL FROM moved;
UPDATE part SET id = 101, tenant_id = 2 WHERE id = 1;
UPDATE public.part SET id = 102, tenant_id = 2 WHERE id = 2;
-- nor under the alias that the table has in the view, or through another view
UPDATE public.inv AS cmig_version SET cmig_new_tenant_id = 99 WHERE id = 2;
UPDATE public.part AS cmig_version SET cmig_new_tenant_id = 99 WHERE id = 102;
CREATE TEMP VIEW inv_too WITH (security_invoker = true) AS SELECT cmig_version.* FROM public.inv cmig_version;
UPDATE inv_too SET cmig_new_tenant_id = 99 WHERE id = 2;
WITH first AS (UPDATE public_042.inv SET tenant_id = 2 WHERE id = 2 RETURNING id) UPDATE inv_too SET cmig_new_tenant_id = 99 FROM first WHERE inv_too.id = 1;
-- but through a view of the view
CREATE TEMP VIEW inv_above AS SELECT * FROM public_042.inv;
UPDATE inv_above SET tenant_id = 2 FROM public_042.part WHERE inv_above.id = 2;
DROP VIEW inv_too, inv_above; RESET ROLE;
SELECT id, tenant_id, cmig_new_tenant_id, cmig_state FROM public.inv ORDER BY id;
SELECT id, tenant_id, cmig_new_tenant_id, cmig_state FROM public.part ORDER BY id;

-- a restore and another server say what both versions have
\set ECHO none
COPY public.b (id, x, y, w, cmig_new_z, cmig_new_x, cmig_state) FROM STDIN;
7	old	1	2	3	new	\N
\.
SET session_replication_role = replica;
INSERT INTO public.b (id, x, y, w, cmig_new_z, cmig_new_x, cmig_state) VALUES (8, 'old', 1, 2, 3, 'new', NULL);
UPDATE public.b SET x = 'older', y = 2, w = 3, cmig_new_z = 4, cmig_new_x = 'newer', cmig_state = NULL WHERE id = 7;
UPDATE public.b SET id = 9, x = 'older', y = 2, w = 3 WHERE id = 8;
RESET session_replication_role;
\set ECHO all
SELECT * FROM public.b WHERE id > 6 ORDER BY id;

-- what foreign keys cascade
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1), (2, 2);
UPDATE parent SET id = 11 WHERE id = 1;
UPDATE public.parent SET id = 12 WHERE id = 2;
SELECT id, parent, cmig_new_parent FROM public.child ORDER BY id;
DELETE FROM parent WHERE id = 11;
DELETE FROM public.parent WHERE id = 12;
SELECT id, parent, cmig_new_parent FROM public.child ORDER BY id;

-- which version was written is noted
SELECT last_old_write AS before FROM cmig.expansion() WHERE change = 'add' \gset
\c
UPDATE public_042.b SET y = 2;
SELECT last_old_write > :'before' AS noted FROM cmig.expansion() WHERE change = 'add';
UPDATE public.b SET y = 3;
SELECT last_old_write > :'before' AS noted FROM cmig.expansion() WHERE change = 'add';

CALL cmig.contract();
SELECT * FROM inv ORDER BY id;
SELECT action, kind, object FROM cmig.drift();
DROP TABLE b, inv, part, parent, child;

SET client_min_messages = warning;
-- a row that could not be transformed remains one while its columns are only written back
CREATE TABLE b (id int PRIMARY KEY, x text, y text);
INSERT INTO b VALUES (1, 'a', 'b'), (2, 'a', 'b'), (3, 'a', '3');
SELECT cmig.create_revision('numbers', E'ALTER TABLE b ADD p int, ADD q int;\n-- cmig:up b.p = x::int\n-- cmig:up b.q = y::int', revision => '043', expand => true) IS NOT NULL;
CALL cmig.expand();
UPDATE public_043.b SET p = p, q = q, id = id;
SELECT * FROM public.b ORDER BY id;
UPDATE public_043.b SET p = 5, q = q WHERE id = 2;
UPDATE public_043.b SET p = 5, q = q WHERE id = 3;
SELECT * FROM public.b ORDER BY id;
-- unless somebody says that it is right
UPDATE public.b SET cmig_state = 'new';
SELECT * FROM public.b ORDER BY id;
-- what the table's owner has altered or dropped is not read
DROP INDEX public.cmig_new_cmig_state_b;
\set VERBOSITY sqlstate
ALTER TABLE public.b ALTER cmig_state DROP DEFAULT, ALTER cmig_state TYPE integer USING 1;
\set VERBOSITY default
ALTER TABLE public.b DROP cmig_state CASCADE;
CALL cmig.contract();
CALL cmig.abandon();
SELECT * FROM b ORDER BY id;
\set ECHO none
DROP TABLE b;
DROP OWNED BY regress_writes;
DROP ROLE regress_writes;
SET client_min_messages = warning;
DROP EXTENSION pg_cmig CASCADE;
