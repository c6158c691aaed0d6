/*
 * digest.c
 *	  Computes digests of schemas, which takes little time.
 *
 * A digest is a hash of the rows that describe a schema in the system
 * catalogs: the rows of the objects that pg_depend finds in it, and of what
 * belongs to them.  Before a row is hashed, the OIDs of objects in the schema
 * are replaced by hashes of their names, and the schema's name is replaced,
 * too.  Two schemas that have the same digest have the same objects with the
 * same properties, apart from the schema's name.  Two schemas that have
 * different digests might also be equal: for example, a dropped column makes a
 * difference.
 *
 * Every column of a row is hashed, except for the few that differ between
 * equal objects.  Therefore a property that a kind (see kinds/kinds.h) reads
 * from one of these catalogs needs nothing here.  A schema that contains an
 * object from another catalog has no digest.
 *
 * The scans use indexes, without SPI and without caches, and the memory is
 * reset for each schema, however many schemas are read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_description.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_range.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_config_map.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

#include "scope/internal.h"

/* The scans that the code below mentions, as positions in "sources". */
enum
{
	OF_SCHEMA,					/* what depends on an object */
	COMMENTS,
	TOAST,
	CLASS,
	PROC,
	OPERATOR,
	DEPENDS,					/* what a sequence depends on */
	ATTRIBUTE,
	INDEX,
	INHERITS,
	TRIGGER,
	RULE
};

#define OBJECT_BY_OID(table, name) {table##RelationId, name, {1}, .has_comments = true}

/*
 * The scans of system catalogs: a table, the index, and its leading columns.
 * Scans without "of" that have comments find an object by its OID.  Those with
 * "of" find the rows that belong to an object of that catalog whose relkind or
 * typtype is in "kinds".
 */
static const struct
{
	Oid			table;
	Oid			index;
	AttrNumber	keys[2];
	Oid			of;
	const char *kinds;			/* NULL: all */
	bool		has_comments;
}			sources[] = {

	[OF_SCHEMA] = {DependRelationId, DependReferenceIndexId,
	{Anum_pg_depend_refclassid, Anum_pg_depend_refobjid}},
	[COMMENTS] = {DescriptionRelationId, DescriptionObjIndexId,
	{Anum_pg_description_objoid, Anum_pg_description_classoid}},
	[TOAST] = {RelationRelationId, ClassOidIndexId, {Anum_pg_class_oid}},
	[CLASS] = OBJECT_BY_OID(Relation, ClassOidIndexId),
	[PROC] = OBJECT_BY_OID(Procedure, ProcedureOidIndexId),
	[OPERATOR] = OBJECT_BY_OID(Operator, OperatorOidIndexId),
	[DEPENDS] = {DependRelationId, DependDependerIndexId,
	{Anum_pg_depend_classid, Anum_pg_depend_objid}, RelationRelationId, "S"},
	[ATTRIBUTE] = {AttributeRelationId, AttributeRelidNumIndexId,
	{Anum_pg_attribute_attrelid, Anum_pg_attribute_attnum}, RelationRelationId},
	[INDEX] = {IndexRelationId, IndexIndrelidIndexId, {Anum_pg_index_indrelid}, RelationRelationId,
	"rpm"},
	[INHERITS] = {InheritsRelationId, InheritsRelidSeqnoIndexId, {Anum_pg_inherits_inhrelid},
	RelationRelationId, "rpfiI"},
	[TRIGGER] = {TriggerRelationId, TriggerRelidNameIndexId, {Anum_pg_trigger_tgrelid},
	RelationRelationId, "rpvf", true},
	[RULE] = {RewriteRelationId, RewriteRelRulenameIndexId, {Anum_pg_rewrite_ev_class},
	RelationRelationId, "rpvm", true},
		OBJECT_BY_OID(Namespace, NamespaceOidIndexId),
		OBJECT_BY_OID(Type, TypeOidIndexId),
		OBJECT_BY_OID(StatisticExt, StatisticExtOidIndexId),
		OBJECT_BY_OID(Collation, CollationOidIndexId),
		OBJECT_BY_OID(Conversion, ConversionOidIndexId),
		OBJECT_BY_OID(TSParser, TSParserOidIndexId),
		OBJECT_BY_OID(TSTemplate, TSTemplateOidIndexId),
		OBJECT_BY_OID(TSDictionary, TSDictionaryOidIndexId),
		OBJECT_BY_OID(TSConfig, TSConfigOidIndexId),
	{ConstraintRelationId, ConstraintRelidTypidNameIndexId, {Anum_pg_constraint_conrelid},
	RelationRelationId, "rpf", true},
	{ConstraintRelationId, ConstraintTypidIndexId, {Anum_pg_constraint_contypid}, TypeRelationId,
	"d", true},
	{AttrDefaultRelationId, AttrDefaultIndexId, {Anum_pg_attrdef_adrelid}, RelationRelationId,
	"rpvf"},
	{PolicyRelationId, PolicyPolrelidPolnameIndexId, {Anum_pg_policy_polrelid}, RelationRelationId,
	"rp", true},
	{PartitionedRelationId, PartitionedRelidIndexId, {Anum_pg_partitioned_table_partrelid},
	RelationRelationId, "p"},
	{ForeignTableRelationId, ForeignTableRelidIndexId, {Anum_pg_foreign_table_ftrelid},
	RelationRelationId, "f"},
	{SequenceRelationId, SequenceRelidIndexId, {Anum_pg_sequence_seqrelid}, RelationRelationId,
	"S"},
	{EnumRelationId, EnumTypIdLabelIndexId, {Anum_pg_enum_enumtypid}, TypeRelationId, "e"},
	{RangeRelationId, RangeTypidIndexId, {Anum_pg_range_rngtypid}, TypeRelationId, "r"},
	{AggregateRelationId, AggregateFnoidIndexId, {Anum_pg_aggregate_aggfnoid}, ProcedureRelationId,
	"a"},
	{TSConfigMapRelationId, TSConfigMapIndexId, {Anum_pg_ts_config_map_mapcfg}, TSConfigRelationId}
};

/* How a column of a catalog is compared. */
typedef enum Comparison
{
	COMPARED,
	IGNORED,
	OWNER,
	PRIVILEGES
} Comparison;

/*
 * Columns, apart from OIDs and schemas of objects, whose values differ between
 * equal objects: files, statistics, and flags that repeat what other rows say.
 */
static const char *const ignored_columns[] = {
	"oid", "reltype", "relnatts", "relfilenode", "relpages", "reltuples", "relallvisible",
	"relallfrozen", "reltoastrelid",
	"relhasindex", "relhasrules", "relhastriggers", "relhassubclass", "relrewrite", "relfrozenxid",
	"relminmxid",
	"attcacheoff", "atthasmissing", "attmissingval", "indcheckxmin", "tgconstraint", "nspname",
	"typarray", "typrelid"
};

/* An entry of the hash table of names: an object, and the hash of its name. */
typedef struct ObjectName
{
	Oid			object;
	uint64		hash;
} ObjectName;

/* A row that describes the schema. */
typedef struct Found
{
	int			source;
	HeapTuple	row;
	Oid			owner;			/* owner of the object */
	uint64		of;				/* name of the object to which it belongs */
} Found;

typedef struct Digests
{
	const CmigScopeOptions *options;
	Relation	tables[lengthof(sources)];
	Relation	indexes[lengthof(sources)];
	Comparison *columns[lengthof(sources)]; /* indexed by column number - 1 */

	/* The following fields describe the schema that is being read. */
	const char *schema;			/* quoted if necessary */
	HTAB	   *names;			/* of ObjectName: the objects in the schema */
	List	   *found;			/* of Found * */
	bool		is_unknown;		/* true if something cannot be hashed */
	uint64		sum[2];			/* hash of all rows added so far */
	StringInfoData text;		/* string to be hashed for the current row */
} Digests;

static bool
ends_with(const char *text, const char *end)
{
	size_t		length = strlen(end);

	return strlen(text) >= length && strcmp(text + strlen(text) - length, end) == 0;
}

static bool
is_among(const char *name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void
open_catalogs(Digests *d)
{
	for (size_t i = 0; i < lengthof(sources); i++)
	{
		TupleDesc	desc;

		d->tables[i] = table_open(sources[i].table, AccessShareLock);
		d->indexes[i] = index_open(sources[i].index, AccessShareLock);
		desc = RelationGetDescr(d->tables[i]);
		d->columns[i] = palloc0(sizeof(Comparison) * desc->natts);
		for (int c = 0; c < desc->natts; c++)
		{
			const char *name = NameStr(TupleDescAttr(desc, c)->attname);

			if (i == TOAST)
				d->columns[i][c] = strcmp(name, "reloptions") == 0 ? COMPARED : IGNORED;
			else if (is_among(name, ignored_columns, lengthof(ignored_columns)) ||
					 ends_with(name, "namespace"))
				d->columns[i][c] = IGNORED;
			else if (ends_with(name, "owner"))
				d->columns[i][c] = OWNER;
			else if (ends_with(name, "acl"))
				d->columns[i][c] = PRIVILEGES;
		}
	}
}

/*
 * Returns copies of the rows in which the first key column is "first" and,
 * unless "second" is InvalidOid, the second one is "second".  Returns no
 * system columns.
 */
static List *
read_rows(Digests *d, int source, Oid first, Oid second)
{
	List	   *rows = NIL;
	int			nkeys = 1;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&keys[0], sources[source].keys[0], BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(first));
	if (OidIsValid(second))
		ScanKeyInit(&keys[nkeys++], sources[source].keys[1], BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(second));
	else if (source == ATTRIBUTE)
		ScanKeyInit(&keys[nkeys++], sources[source].keys[1], BTGreaterStrategyNumber, F_INT2GT,
					Int16GetDatum(0));
	scan = systable_beginscan_ordered(d->tables[source], d->indexes[source], NULL, nkeys, keys);
	while (HeapTupleIsValid(row = systable_getnext_ordered(scan, ForwardScanDirection)))
		rows = lappend(rows, heap_copytuple(row));
	systable_endscan_ordered(scan);
	return rows;
}

/* ----------------------------------------------------------------
 * Names
 * ----------------------------------------------------------------
 */

/*
 * Record the name of an object in the schema.  Objects of different catalogs
 * and with a different "of" can have the same name.
 */
static void
add_name(Digests *d, Oid object, Oid catalog, uint64 of, const char *name)
{
	ObjectName *entry = hash_search(d->names, &object, HASH_ENTER, NULL);
	char		text[NAMEDATALEN + 64];
	int			length = snprintf(text, sizeof(text), "%u " UINT64_FORMAT " %s", catalog, of, name);

	entry->hash = hash_bytes_extended((const unsigned char *) text, length, 0);
}

/*
 * Returns the hash of the name that was recorded for an object, or the OID of
 * the object if there is none, because it is not in the schema.
 */
static uint64
name_of(const Digests *d, Oid object)
{
	const ObjectName *entry = NULL;

	if (object >= FirstNormalObjectId)
		entry = hash_search(d->names, &object, HASH_FIND, NULL);
	return entry ? entry->hash : object;
}

/*
 * Record the names of what the row describes.  Those of functions and
 * operators contain the names of types, and are recorded when all types have
 * one.
 */
static void
name_row(Digests *d, const Found *found)
{
	Oid			catalog = sources[found->source].table;
	const void *form = GETSTRUCT(found->row);
	AttrNumber	column;

	if (catalog == RelationRelationId)
	{
		const FormData_pg_class *relation = form;

		add_name(d, relation->oid, catalog, 0, NameStr(relation->relname));
		if (OidIsValid(relation->reltype))
			add_name(d, relation->reltype, catalog, 1, NameStr(relation->relname));
	}
	else if (catalog == TypeRelationId)
	{
		const FormData_pg_type *type = form;

		add_name(d, type->oid, catalog, 0, NameStr(type->typname));
		if (OidIsValid(type->typarray))
			add_name(d, type->typarray, catalog, 1, NameStr(type->typname));
	}
	else if (catalog == ProcedureRelationId)
	{
		const FormData_pg_proc *function = form;
		uint64		arguments = 0;

		for (int i = 0; i < function->proargtypes.dim1; i++)
			arguments = arguments * 31 + name_of(d, function->proargtypes.values[i]);
		add_name(d, function->oid, catalog, arguments, NameStr(function->proname));
	}
	else if (catalog == OperatorRelationId)
	{
		const FormData_pg_operator *operator = form;

		add_name(d, operator->oid, catalog,
				 name_of(d, operator->oprleft) * 31 + name_of(d, operator->oprright),
				 NameStr(operator->oprname));
	}
	else if (catalog == EnumRelationId)
		add_name(d, ((Form_pg_enum) form)->oid, catalog, found->of,
				 NameStr(((Form_pg_enum) form)->enumlabel));
	else if (catalog == NamespaceRelationId)
		add_name(d, ((Form_pg_namespace) form)->oid, catalog, 0, "");
	else if (sources[found->source].has_comments &&
			 (column = get_object_attnum_name(catalog)) != InvalidAttrNumber)
	{
		TupleDesc	desc = RelationGetDescr(d->tables[found->source]);
		bool		isnull;

		add_name(d, DatumGetObjectId(cmig_getattr_compat(found->row, 1, desc, &isnull)), catalog,
				 found->of,
				 NameStr(*DatumGetName(cmig_getattr_compat(found->row, column, desc, &isnull))));
	}
}

/* ----------------------------------------------------------------
 * Finding rows
 * ----------------------------------------------------------------
 */

static void find_object(Digests *d, Oid catalog, Oid object);

/* Keep a row, with the rows that belong to it. */
static void
keep(Digests *d, int source, HeapTuple row, Oid owner, uint64 of)
{
	Oid			catalog = sources[source].table;
	Form_pg_class relation = catalog == RelationRelationId ? (Form_pg_class) GETSTRUCT(row) : NULL;
	Form_pg_type type = catalog == TypeRelationId ? (Form_pg_type) GETSTRUCT(row) : NULL;
	char		kind = '\0';
	Oid			object;
	Found	   *found = palloc(sizeof(Found));
	bool		isnull;

	*found = (Found)
	{
		.source = source,.row = row,.owner = owner,.of = of
	};
	d->found = lappend(d->found, found);
	if (source == TOAST)
		return;
	if (source != PROC && source != OPERATOR)
		name_row(d, found);
	if (source == INDEX)
		find_object(d, RelationRelationId, ((Form_pg_index) GETSTRUCT(row))->indexrelid);
	if (OidIsValid(sources[source].of))
		return;

	object = DatumGetObjectId(cmig_getattr_compat(row, 1, RelationGetDescr(d->tables[source]),
												  &isnull));
	if (get_object_attnum_owner(catalog) != InvalidAttrNumber)
		found->owner = DatumGetObjectId(cmig_getattr_compat(row, get_object_attnum_owner(catalog),
															RelationGetDescr(d->tables[source]),
															&isnull));
	if (relation != NULL)
		kind = relation->relkind;
	else if (type != NULL)
		kind = type->typtype;
	else if (source == PROC)
		kind = ((Form_pg_proc) GETSTRUCT(row))->prokind;
	for (size_t i = 0; i < lengthof(sources); i++)
	{
		if (sources[i].of != catalog ||
			(sources[i].kinds != NULL && strchr(sources[i].kinds, kind) == NULL) ||
			(i == TRIGGER && !relation->relhastriggers) || (i == RULE && !relation->relhasrules) ||
			(i == INHERITS && (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX) &&
			 !relation->relispartition))
			continue;
		foreach_ptr(HeapTupleData, part,
					i == DEPENDS ? read_rows(d, i, RelationRelationId, object) :
					read_rows(d, i, object, InvalidOid))
		{
			const void *form = GETSTRUCT(part);

			/* dropped columns, and triggers of foreign keys, do not count */
			if ((i == ATTRIBUTE && ((Form_pg_attribute) form)->attisdropped) ||
				(i == TRIGGER && ((Form_pg_trigger) form)->tgisinternal) ||
				(i == DEPENDS && ((Form_pg_depend) form)->refclassid != RelationRelationId))
				continue;
			keep(d, i, part, found->owner, name_of(d, object));
		}
	}
	foreach_ptr(HeapTupleData, toast, relation != NULL && OidIsValid(relation->reltoastrelid) ?
				read_rows(d, TOAST, relation->reltoastrelid, InvalidOid) : NIL)
		keep(d, TOAST, toast, found->owner, name_of(d, object));
	if (type != NULL && type->typtype == TYPTYPE_COMPOSITE)
		find_object(d, RelationRelationId, type->typrelid);
}

/* Find an object of the schema by its OID. */
static void
find_object(Digests *d, Oid catalog, Oid object)
{
	for (size_t i = 0; i < lengthof(sources); i++)
		if (sources[i].table == catalog && sources[i].has_comments && !OidIsValid(sources[i].of))
		{
			foreach_ptr(HeapTupleData, row, read_rows(d, i, object, InvalidOid))
				keep(d, i, row, InvalidOid, 0);
			return;
		}
	d->is_unknown = true;
}

/* ----------------------------------------------------------------
 * Parse trees of expressions and queries
 *
 * A parse tree is stored as text that consists of nodes such as {VAR :varno 1
 * :varattno 2 :location 30}.  A name that begins with a colon is followed by
 * one or more values.  In a value, a backslash precedes each character that
 * would otherwise end the value.
 * ----------------------------------------------------------------
 */

/* The characters that separate the names and values in a parse tree. */
#define SEPARATORS " (){}"

/* Deeper nodes are not examined. */
#define MAX_DEPTH 64

/* Names whose values are positions in a statement. */
static const char *const position_keys[] = {":location", ":stmt_location", ":stmt_len",
":list_start", ":list_end"};

/* Names whose values are numbers that are never OIDs. */
static const char *const plain_keys[] = {":modulus", ":remainder", ":frameOptions"};

/* Names that say whether a cast is explicit. */
static const char *const cast_keys[] = {":funcformat", ":relabelformat", ":coerceformat"};

/* The state of reading a parse tree. */
typedef struct Tree
{
	const char *text;
	const char *rest;			/* the part of "text" that has not been read
								 * yet */
	char		key[NAMEDATALEN];	/* the name that was read last */
	Oid			constant;		/* the data type of the last constant */
	int			depth;			/* number of nodes around "rest" */
	bool		is_operator[MAX_DEPTH + 1]; /* is the node of this depth an
											 * operator? */
} Tree;

/* Append the hash of an object's name, marked by a NUL byte. */
static void
append_name(Digests *d, uint64 name)
{
	appendStringInfoChar(&d->text, '\0');
	appendStringInfo(&d->text, UINT64_FORMAT, name);
}

/*
 * If the next value is a constant that contains the OID of an object in the
 * schema or of an enum's value, append the hash of its name.  Otherwise returns
 * false and appends nothing.  A constant of four bytes is written as "4 [ 1 64
 * 0 0 0 0 0 0 ]".
 */
static bool
append_reference(Digests *d, Tree *tree)
{
	const char *from = tree->rest;
	unsigned char bytes[sizeof(Datum)];
	Datum		value;
	uint64		name;

	if (strcmp(tree->key, ":constvalue") != 0 || strncmp(from, "4 [ ", 4) != 0)
		return false;
	if (tree->constant != REGCLASSOID && tree->constant != REGPROCOID &&
		tree->constant != REGPROCEDUREOID &&
		tree->constant != REGTYPEOID && tree->constant != REGNAMESPACEOID &&
		name_of(d, tree->constant) == tree->constant)
		return false;
	from += 4;
	for (size_t i = 0; i < sizeof(Datum); i++)
	{
		char	   *end;

		bytes[i] = (unsigned char) strtol(from, &end, 10);
		if (end == from)
			return false;
		from = end;
	}
	memcpy(&value, bytes, sizeof(Datum));
	name = name_of(d, DatumGetObjectId(value));
	if (name == DatumGetObjectId(value))
		return false;
	append_name(d, name);
	tree->rest = from;
	return true;
}

/* Append the next word, a name or value with "length" characters. */
static void
append_word(Digests *d, Tree *tree, int length)
{
	const char *word = tree->rest;
	int			sign = word[0] == '-';
	int			digits = strspn(word + sign, "0123456789");
	bool		is_number = length > sign && length - sign <= 10 && digits >= length - sign;

	/*
	 * leave a word as it is if it continues a value, after a separator that
	 * was escaped by a backslash
	 */
	if (word - tree->text < 2 || word[-2] != '\\')
	{
		if (word[0] == ':')
		{
			/* not strlcpy(), which would read the rest of the tree */
			memcpy(tree->key, word, Min(length, NAMEDATALEN - 1));
			tree->key[Min(length, NAMEDATALEN - 1)] = '\0';
		}
		if (is_number && is_among(tree->key, position_keys, lengthof(position_keys)))
			return;

		/*
		 * PostgreSQL prints a cast of an operator's operand even if it is
		 * implicit, so the cast is explicit in a copy
		 */
		if (length == 1 && word[0] == '0' + COERCE_EXPLICIT_CAST &&
			is_among(tree->key, cast_keys, lengthof(cast_keys)) &&
			tree->depth > 1 && tree->depth <= MAX_DEPTH && tree->is_operator[tree->depth - 1])
		{
			appendStringInfoChar(&d->text, '0' + COERCE_IMPLICIT_CAST);
			return;
		}
		if (is_number && sign == 0)
		{
			Oid			number = (Oid) strtoul(word, NULL, 10);

			if (strcmp(tree->key, ":consttype") == 0)
				tree->constant = number;
			if (name_of(d, number) != number && !ends_with(tree->key, "typmod") &&
				!ends_with(tree->key, "typmods") &&
				!is_among(tree->key, plain_keys, lengthof(plain_keys)))
			{
				append_name(d, name_of(d, number));
				return;
			}
		}
	}
	appendBinaryStringInfo(&d->text, word, length);
}

/*
 * Append a parse tree (pg_node_tree).  The OIDs of objects in the schema are
 * replaced by hashes of their names, and positions in the original statement
 * are left out.
 */
static void
append_tree(Digests *d, const char *text)
{
	Tree		tree = {.text = text,.rest = text};

	while (*tree.rest != '\0')
	{
		int			length = strcspn(tree.rest, SEPARATORS);

		if (length > 0 && append_reference(d, &tree))
			continue;
		if (length > 0)
			append_word(d, &tree, length);
		tree.rest += length;
		for (length = strspn(tree.rest, SEPARATORS); length > 0; length--, tree.rest++)
		{
			int			backslashes = 0;

			appendStringInfoChar(&d->text, *tree.rest);
			while (tree.rest - backslashes > text && tree.rest[-backslashes - 1] == '\\')
				backslashes++;
			if (backslashes % 2 == 1)
				continue;		/* part of a value */
			if (*tree.rest == '{' && ++tree.depth <= MAX_DEPTH)
				tree.is_operator[tree.depth] = strncmp(tree.rest, "{OPEXPR ", 8) == 0 ||
					strncmp(tree.rest, "{SCALARARRAYOPEXPR ", 19) == 0;
			else if (*tree.rest == '}')
				tree.depth--;
		}
	}
	appendStringInfoChar(&d->text, '\0');
}

/* ----------------------------------------------------------------
 * Hashing rows
 * ----------------------------------------------------------------
 */

/* Can the character be part of an identifier? */
static bool
is_of_identifier(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '$' || c == '"' || IS_HIGHBIT_SET(c);
}

/*
 * Append a string, which can be NULL.  The schema's name is replaced wherever
 * it is an identifier.  The replaced name and the end of the string are marked
 * with NUL bytes, which the string itself cannot contain.
 */
static void
append_text(Digests *d, const char *text)
{
	size_t		length = strlen(d->schema);
	const char *from = text;
	const char *found;

	appendStringInfoChar(&d->text, text ? '\2' : '\1');
	if (text == NULL)
		return;
	for (; (found = strstr(from, d->schema)) != NULL; from = found + length)
	{
		appendBinaryStringInfo(&d->text, from, found - from);
		if ((found == text || !is_of_identifier(found[-1])) && !is_of_identifier(found[length]))
			appendBinaryStringInfo(&d->text, "\0\1", 2);
		else
			appendBinaryStringInfo(&d->text, found, length);
	}
	appendStringInfoString(&d->text, from);
	appendBinaryStringInfo(&d->text, "\0\2", 2);
}

static void
append_oid(Digests *d, Oid object)
{
	uint64		name = name_of(d, object);

	appendBinaryStringInfo(&d->text, (char *) &name, sizeof(name));
}

/*
 * Append a column value that is not null.  Values are written so that
 * different rows cannot result in the same bytes.
 */
static void
append_value(Digests *d, Oid type, Datum datum)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	struct varlena *bytes;

	switch (type)
	{
		case OIDOID:
		case REGPROCOID:
			append_oid(d, DatumGetObjectId(datum));
			break;
		case BOOLOID:
		case CHAROID:
		case INT2OID:
		case INT4OID:
		case FLOAT4OID:
		case INT8OID:
			appendBinaryStringInfo(&d->text, (char *) &datum, sizeof(datum));
			break;
		case NAMEOID:
			appendBinaryStringInfo(&d->text, NameStr(*DatumGetName(datum)),
								   strlen(NameStr(*DatumGetName(datum))) + 1);
			break;
		case TEXTOID:
			append_text(d, TextDatumGetCString(datum));
			break;
		case PG_NODE_TREEOID:
			append_tree(d, TextDatumGetCString(datum));
			break;
		case TEXTARRAYOID:
			deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT,
							  &elements, &nulls, &count);
			for (int i = 0; i < count; i++)
			{
				char	   *option = nulls[i] ? NULL : TextDatumGetCString(elements[i]);

				/* this option depends on the minor version of PostgreSQL */
				if (option == NULL || strncmp(option, "pg_attver=", 10) != 0)
					append_text(d, option);
			}
			break;
		case OIDVECTOROID:
		case OIDARRAYOID:
			array = DatumGetArrayTypeP(datum);
			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
			d->is_unknown |= ARR_HASNULL(array);
			appendBinaryStringInfo(&d->text, (char *) &count, sizeof(count));
			for (int i = 0; i < count && !d->is_unknown; i++)
				append_oid(d, ((Oid *) ARR_DATA_PTR(array))[i]);
			break;
		case INT2VECTOROID:
		case INT2ARRAYOID:
		case CHARARRAYOID:
		case BYTEAOID:
			bytes = PG_DETOAST_DATUM_PACKED(datum);
			count = VARSIZE_ANY_EXHDR(bytes);
			appendBinaryStringInfo(&d->text, (char *) &count, sizeof(count));
			appendBinaryStringInfo(&d->text, VARDATA_ANY(bytes), count);
			break;
		default:
			d->is_unknown = true;
	}
	appendStringInfoChar(&d->text, '\4');
}

/*
 * Append privileges.  The object's owner is written as 1, so that objects with
 * different owners can have the same privileges.
 */
static void
append_privileges(Digests *d, Datum datum, Oid owner)
{
	Acl		   *acl = DatumGetAclP(datum);

	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		const AclItem *item = &ACL_DAT(acl)[i];

		appendStringInfo(&d->text, "%u %u " UINT64_FORMAT ",",
						 item->ai_grantee == owner ? 1 : item->ai_grantee,
						 item->ai_grantor == owner ? 1 : item->ai_grantor, (uint64) item->ai_privs);
	}
}

/* Add a row, with the comments on what it describes, to the digest. */
static void
add_row(Digests *d, const Found *found)
{
	int			source = found->source;
	TupleDesc	desc = RelationGetDescr(d->tables[source]);
	Datum		values[MaxHeapAttributeNumber];
	bool		nulls[MaxHeapAttributeNumber];
	uint64		hash = 0;

	resetStringInfo(&d->text);
	appendStringInfo(&d->text, "%d " UINT64_FORMAT " ", source, found->of);
	heap_deform_tuple(found->row, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
	{
		Comparison	column = d->columns[source][i];

		if (column == IGNORED || (column == OWNER && !d->options->owners) ||
			(column == PRIVILEGES && !d->options->privileges))
			continue;
		appendStringInfoChar(&d->text, nulls[i] ? '\5' : '\6');
		if (nulls[i])
			continue;
		if (column == PRIVILEGES)
			append_privileges(d, values[i], found->owner);
		else
			append_value(d, TupleDescAttr(desc, i)->atttypid, values[i]);
	}
	for (size_t i = 0; i < lengthof(d->sum); i++)
		d->sum[i] += hash = hash_bytes_extended((const unsigned char *) d->text.data, d->text.len,
												i);
	if (!sources[source].has_comments || !d->options->comments)
		return;
	foreach_ptr(HeapTupleData, each,
				read_rows(d, COMMENTS, DatumGetObjectId(values[0]), sources[source].table))
	{
		Found		comment = {.source = COMMENTS,.row = each,.of = hash};

		add_row(d, &comment);
	}
}

/*
 * Find and hash the objects of a schema.  Returns NULL if it has no digest:
 * also if another session has dropped it.
 */
static char *
digest_of(Digests *d, const char *name)
{
	HASHCTL		control =
	{.keysize = sizeof(Oid),.entrysize = sizeof(ObjectName),.hcxt = CurrentMemoryContext};
	Oid			schema = get_namespace_oid(name, true);

	if (!OidIsValid(schema))
		return NULL;
	d->schema = quote_identifier(name);
	d->names = hash_create("pg_cmig names", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	d->found = NIL;
	d->is_unknown = false;
	d->sum[0] = d->sum[1] = 0;
	initStringInfo(&d->text);
	find_object(d, NamespaceRelationId, schema);
	foreach_ptr(HeapTupleData, row, read_rows(d, OF_SCHEMA, NamespaceRelationId, schema))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(row);

		/* cmig.diff_schemas does not compare these */
		if (depend->classid == DefaultAclRelationId ||
			depend->classid == PublicationNamespaceRelationId)
			continue;

		/* cmig.diff_schemas leaves out members of extensions */
		if (OidIsValid(getExtensionOfObject(depend->classid, depend->objid)))
			d->is_unknown = true;
		find_object(d, depend->classid, depend->objid);
	}
	foreach_ptr(const Found, found, d->found)
	{
		if (found->source == PROC || found->source == OPERATOR)
			name_row(d, found);
	}
	foreach_ptr(Found, each, d->found)
	{
		if (!d->is_unknown)
			add_row(d, each);
	}
	return d->is_unknown ? NULL : psprintf(UINT64_FORMAT " " UINT64_FORMAT, d->sum[0], d->sum[1]);
}

char **
cmig_scope_digests(const char *const *schemas, int count, const CmigScopeOptions *options)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig digest", ALLOCSET_DEFAULT_SIZES);
	char	  **digests = palloc_extended(sizeof(char *) * Max((Size) count, 1),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Digests    *d;

	/* Citus stores properties of tables in its own catalogs */
	if (OidIsValid(get_extension_oid("citus", true)))
		return digests;
	d = palloc0(sizeof(Digests));
	d->options = options;
	open_catalogs(d);
	MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
	{
		char	   *digest;

		CHECK_FOR_INTERRUPTS();
		digest = digest_of(d, schemas[i]);
		digests[i] = digest ? MemoryContextStrdup(caller, digest) : NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	for (size_t i = 0; i < lengthof(sources); i++)
	{
		index_close(d->indexes[i], AccessShareLock);
		table_close(d->tables[i], AccessShareLock);
		pfree(d->columns[i]);
	}
	pfree(d);
	return digests;
}
