-- pair: type of a parent's column that children define as generated
-- a:
CREATE TABLE n (a int, b int);
CREATE TABLE c1 (a int, b int GENERATED ALWAYS AS (a * 2) STORED) INHERITS (n);
CREATE TABLE c2 (a int, b int GENERATED ALWAYS AS (a * 3) STORED) INHERITS (n);
CREATE INDEX ON c2 (b);
CREATE VIEW v AS SELECT b FROM c1;
-- b:
CREATE TABLE n (a int, b bigint);
CREATE TABLE c1 (a int, b bigint GENERATED ALWAYS AS (a * 2) STORED) INHERITS (n);
CREATE TABLE c2 (a int, b bigint GENERATED ALWAYS AS (a * 3) STORED) INHERITS (n);
CREATE INDEX ON c2 (b);
CREATE VIEW v AS SELECT b FROM c1;
-- pair: expression of a generated column that is also inherited
-- expect: unsupported
-- a:
CREATE TABLE n (a int, b int);
CREATE TABLE c (b int GENERATED ALWAYS AS (a * 2) STORED) INHERITS (n);
-- b:
CREATE TABLE n (a int, b int);
CREATE TABLE c (b int GENERATED ALWAYS AS (a * 3) STORED) INHERITS (n);
