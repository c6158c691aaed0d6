/*
 * catalog.c
 *	  The catalog rows of a schema, without its name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "access/genam.h"
#include "access/htup.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_description.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "nodes/primnodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "scope/internal.h"

/* ----------------------------------------------------------------
 * Scans the system catalogs for the objects of a scope's schema.
 *
 * The scans use indexes, without SPI and without caches, so they take little
 * time, and they need the same amount of memory however many schemas are read.
 * ----------------------------------------------------------------
 */

/*
 * The system catalogs, indexed by CmigScopeCatalogId, with the index for the
 * scan and the leading columns of that index.
 */
static const struct
{
	Oid			table;
	Oid			index;
	AttrNumber	keys[2];
}			definitions[CMIG_SCOPE_CATALOGS] = {
	[CMIG_OF_SCHEMA] = {DependRelationId, DependReferenceIndexId, {Anum_pg_depend_refclassid, Anum_pg_depend_refobjid}},
	[CMIG_DEPENDS] = {DependRelationId, DependDependerIndexId, {Anum_pg_depend_classid, Anum_pg_depend_objid}},
	[CMIG_NAMESPACE] = {NamespaceRelationId, NamespaceOidIndexId, {Anum_pg_namespace_oid}},
	[CMIG_CLASS] = {RelationRelationId, ClassOidIndexId, {Anum_pg_class_oid}},
	[CMIG_ATTRIBUTE] = {AttributeRelationId, AttributeRelidNumIndexId, {Anum_pg_attribute_attrelid, Anum_pg_attribute_attnum}},
	[CMIG_INDEX] = {IndexRelationId, IndexIndrelidIndexId, {Anum_pg_index_indrelid}},
	[CMIG_CONSTRAINT] = {ConstraintRelationId, ConstraintRelidTypidNameIndexId, {Anum_pg_constraint_conrelid}},
	[CMIG_DOMAIN_CONSTRAINT] = {ConstraintRelationId, ConstraintTypidIndexId, {Anum_pg_constraint_contypid}},
	[CMIG_ATTRDEF] = {AttrDefaultRelationId, AttrDefaultIndexId, {Anum_pg_attrdef_adrelid}},
	[CMIG_TRIGGER] = {TriggerRelationId, TriggerRelidNameIndexId, {Anum_pg_trigger_tgrelid}},
	[CMIG_REWRITE] = {RewriteRelationId, RewriteRelRulenameIndexId, {Anum_pg_rewrite_ev_class}},
	[CMIG_POLICY] = {PolicyRelationId, PolicyPolrelidPolnameIndexId, {Anum_pg_policy_polrelid}},
	[CMIG_SEQUENCE] = {SequenceRelationId, SequenceRelidIndexId, {Anum_pg_sequence_seqrelid}},
	[CMIG_INHERITS] = {InheritsRelationId, InheritsRelidSeqnoIndexId, {Anum_pg_inherits_inhrelid}},
	[CMIG_PARTITIONED] = {PartitionedRelationId, PartitionedRelidIndexId, {Anum_pg_partitioned_table_partrelid}},
	[CMIG_TYPE] = {TypeRelationId, TypeOidIndexId, {Anum_pg_type_oid}},
	[CMIG_ENUM] = {EnumRelationId, EnumTypIdLabelIndexId, {Anum_pg_enum_enumtypid}},
	[CMIG_PROC] = {ProcedureRelationId, ProcedureOidIndexId, {Anum_pg_proc_oid}},
	[CMIG_AGGREGATE] = {AggregateRelationId, AggregateFnoidIndexId, {Anum_pg_aggregate_aggfnoid}},
	[CMIG_STATISTIC_EXT] = {StatisticExtRelationId, StatisticExtOidIndexId, {Anum_pg_statistic_ext_oid}},
	[CMIG_DESCRIPTION] = {DescriptionRelationId, DescriptionObjIndexId, {Anum_pg_description_objoid, Anum_pg_description_classoid}},
};

/*
 * Columns whose values differ between equal objects: OIDs and schemas of the
 * objects, files, statistics, and flags that repeat what other rows say.  The
 * comparison of two schemas (kinds/kinds.h) does not contain them either.
 */
static const char *const ignored_columns[] = {
	"oid", "nspname", "relnamespace", "reltype", "relnatts", "relfilenode", "relpages", "reltuples", "relallvisible", "relallfrozen", "reltoastrelid",
	"relhasindex", "relhasrules", "relhastriggers", "relhassubclass", "relrewrite", "relfrozenxid", "relminmxid",
	"attcacheoff", "atthasmissing", "attmissingval", "indcheckxmin", "connamespace", "tgconstraint",
	"typnamespace", "typarray", "typrelid", "pronamespace", "stxnamespace"
};

static const char *const owner_columns[] = {"nspowner", "relowner", "typowner", "proowner", "stxowner"};

static const char *const privilege_columns[] = {"nspacl", "relacl", "attacl", "typacl", "proacl"};

static bool
is_among(const char *name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Returns an array that says how each column of a catalog is compared. */
static CmigScopeColumn *
columns_of(Relation scope_catalog_table)
{
	TupleDesc	desc = RelationGetDescr(scope_catalog_table);
	CmigScopeColumn *columns = palloc0(sizeof(CmigScopeColumn) * desc->natts);

	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);

		if (is_among(name, ignored_columns, lengthof(ignored_columns)))
			columns[i] = CMIG_COLUMN_IGNORED;
		else if (is_among(name, owner_columns, lengthof(owner_columns)))
			columns[i] = CMIG_COLUMN_OWNER;
		else if (is_among(name, privilege_columns, lengthof(privilege_columns)))
			columns[i] = CMIG_COLUMN_PRIVILEGES;
	}
	return columns;
}

CmigScopeCatalog *
cmig_scope_catalog_open(void)
{
	CmigScopeCatalog *catalogs = palloc0(sizeof(CmigScopeCatalog) * CMIG_SCOPE_CATALOGS);

	for (int i = 0; i < CMIG_SCOPE_CATALOGS; i++)
	{
		catalogs[i].table = table_open(definitions[i].table, AccessShareLock);
		catalogs[i].index = index_open(definitions[i].index, AccessShareLock);
		memcpy(catalogs[i].keys, definitions[i].keys, sizeof(catalogs[i].keys));
		catalogs[i].columns = columns_of(catalogs[i].table);
	}
	return catalogs;
}

void
cmig_scope_catalog_close(CmigScopeCatalog *catalogs)
{
	for (int i = 0; i < CMIG_SCOPE_CATALOGS; i++)
	{
		index_close(catalogs[i].index, AccessShareLock);
		table_close(catalogs[i].table, AccessShareLock);
		pfree(catalogs[i].columns);
	}
	pfree(catalogs);
}

void
cmig_scope_catalog_each(const CmigScopeCatalog *catalogs, CmigScopeCatalogId id, Oid first, Oid second,
						CmigScopeCatalogCallback callback, void *arg)
{
	const CmigScopeCatalog *catalog = &catalogs[id];
	int			nkeys = 1;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&keys[0], catalog->keys[0], BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(first));
	if (OidIsValid(second))
		ScanKeyInit(&keys[nkeys++], catalog->keys[1], BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(second));
	else if (id == CMIG_ATTRIBUTE)
		ScanKeyInit(&keys[nkeys++], catalog->keys[1], BTGreaterStrategyNumber, F_INT2GT, Int16GetDatum(0));
	scan = systable_beginscan_ordered(catalog->table, catalog->index, NULL, nkeys, keys);
	while (HeapTupleIsValid(row = systable_getnext_ordered(scan, ForwardScanDirection)))
		callback(id, row, arg);
	systable_endscan_ordered(scan);
}

/* ----------------------------------------------------------------
 * Hashes the names of the objects in a scope's schema, without the schema's
 * name.
 * ----------------------------------------------------------------
 */

/* An entry of the hash table of names: an object, and the hash of its name. */
typedef struct ObjectName
{
	Oid			object;
	uint64		hash;
} ObjectName;

/* Can the character be part of an identifier? */
static bool
is_of_identifier(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '$' || c == '"' || IS_HIGHBIT_SET(c);
}

void
cmig_scope_name_append(StringInfo buf, const char *schema, const char *text)
{
	size_t		length = strlen(schema);
	const char *from = text;
	const char *found;

	appendStringInfoChar(buf, text ? '\2' : '\1');
	if (text == NULL)
		return;

	/*
	 * mark the replaced name and the end of the string with NUL bytes, which
	 * the string itself cannot contain
	 */
	while ((found = strstr(from, schema)) != NULL)
	{
		bool		is_name = (found == text || !is_of_identifier(found[-1])) && !is_of_identifier(found[length]);

		appendBinaryStringInfo(buf, from, found - from);
		if (is_name)
			appendBinaryStringInfo(buf, "\0\1", 2);
		else
			appendBinaryStringInfo(buf, found, length);
		from = found + length;
	}
	appendStringInfoString(buf, from);
	appendBinaryStringInfo(buf, "\0\2", 2);
}

/*
 * Initialize an empty set of names for a schema, allocated in the current
 * memory context.
 */
static void
scope_name_begin(CmigScopeNames *names, const char *schema)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(ObjectName),.hcxt = CurrentMemoryContext};

	names->schema = quote_identifier(schema);
	names->table = hash_create("pg_cmig names", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
cmig_scope_name_add(CmigScopeNames *names, Oid object, const char *kind, uint64 owner, const char *name)
{
	ObjectName *entry = hash_search(names->table, &object, HASH_ENTER, NULL);
	char		text[NAMEDATALEN + 64];
	int			length = snprintf(text, sizeof(text), "%s " UINT64_FORMAT " %s", kind, owner, name);

	entry->hash = hash_bytes_extended((const unsigned char *) text, length, 0);
}

uint64
cmig_scope_name_of(const CmigScopeNames *names, Oid object)
{
	const ObjectName *entry = NULL;

	if (object >= FirstNormalObjectId)
		entry = hash_search(names->table, &object, HASH_FIND, NULL);
	return entry ? entry->hash : object;
}

/* ----------------------------------------------------------------
 * Prepares the parse trees of expressions and queries in the system
 * catalogs for hashing.
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

/* The state of reading a parse tree. */
typedef struct Tree
{
	StringInfo	buf;
	const CmigScopeNames *names;
	const char *text;
	const char *rest;			/* the part of "text" that has not been read
								 * yet */
	const char *key;			/* the name that was read last, such as
								 * ":varno" */
	int			key_length;
	Oid			constant;		/* the data type of the last constant */
	int			depth;			/* number of nodes around "rest" */
	bool		is_operator[MAX_DEPTH + 1]; /* is the node of this depth an
											 * operator? */
} Tree;

/* Is "key" the name that was read last? */
static bool
is_key(const Tree *tree, const char *key)
{
	return tree->key_length == (int) strlen(key) && memcmp(tree->key, key, tree->key_length) == 0;
}

/* Is the last name one whose value is a position in a statement? */
static bool
is_position(const Tree *tree)
{
	return is_key(tree, ":location") || is_key(tree, ":stmt_location") || is_key(tree, ":stmt_len") ||
		is_key(tree, ":list_start") || is_key(tree, ":list_end");
}

/* Does the last name end with "text"? */
static bool
is_key_ending(const Tree *tree, const char *text)
{
	int			length = strlen(text);

	return tree->key_length >= length && memcmp(tree->key + tree->key_length - length, text, length) == 0;
}

/* Is the last name one whose values are numbers that are never OIDs? */
static bool
is_plain(const Tree *tree)
{
	return is_key_ending(tree, "typmod") || is_key_ending(tree, "typmods") || is_key(tree, ":modulus") ||
		is_key(tree, ":remainder") || is_key(tree, ":frameOptions");
}

/*
 * Does the last name say whether a cast is explicit, and is the cast an
 * operand of an operator?  PostgreSQL prints such a cast even if it is
 * implicit, so the cast is explicit in a copy.
 */
static bool
is_cast_of_operand(const Tree *tree)
{
	return tree->depth > 1 && tree->depth <= MAX_DEPTH && tree->is_operator[tree->depth - 1] &&
		(is_key(tree, ":funcformat") || is_key(tree, ":relabelformat") || is_key(tree, ":coerceformat"));
}

/*
 * Is the next word the continuation of a value, after a separator that was
 * escaped by a backslash?  The result can also be true for other words that
 * follow a backslash.
 */
static bool
is_inside(const Tree *tree)
{
	return tree->rest - tree->text >= 2 && tree->rest[-2] == '\\';
}

/* Is the value a number that may be an OID? */
static bool
is_number(const char *value, int length)
{
	return length > 0 && length <= 10 && (int) strspn(value, "0123456789") >= length;
}

/*
 * Does the data type of the last constant mean that its value is an OID,
 * either of an object or of an enum value?
 */
static bool
is_reference(const Tree *tree)
{
	switch (tree->constant)
	{
		case REGCLASSOID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGTYPEOID:
		case REGNAMESPACEOID:
			return true;
		default:
			return cmig_scope_name_of(tree->names, tree->constant) != tree->constant;
	}
}

/* Append the hash of an object's name, marked by a NUL byte. */
static void
append_name(Tree *tree, uint64 name)
{
	appendStringInfoChar(tree->buf, '\0');
	appendStringInfo(tree->buf, UINT64_FORMAT, name);
}

/*
 * If the next value is a constant that contains the OID of an object in the
 * schema, append the hash of the object's name.  Otherwise returns false and
 * appends nothing.  A constant of four bytes is written as "4 [ 1 64 0 0 0 0 0
 * 0 ]".
 */
static bool
append_reference(Tree *tree)
{
	const char *from = tree->rest;
	unsigned char bytes[sizeof(Datum)];
	Datum		value;
	uint64		name;

	if (!is_key(tree, ":constvalue") || strncmp(from, "4 [ ", 4) != 0 || !is_reference(tree))
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
	name = cmig_scope_name_of(tree->names, DatumGetObjectId(value));
	if (name == DatumGetObjectId(value))
		return false;
	append_name(tree, name);
	tree->rest = from;
	return true;
}

/*
 * Append the next value, a number with "length" digits.  If it is the OID of
 * an object in the schema, appends the hash of the object's name instead.
 */
static void
append_number(Tree *tree, int length)
{
	Oid			number = (Oid) strtoul(tree->rest, NULL, 10);
	uint64		name = is_plain(tree) ? number : cmig_scope_name_of(tree->names, number);

	if (is_key(tree, ":consttype"))
		tree->constant = number;
	if (name != number)
		append_name(tree, name);
	else
		appendBinaryStringInfo(tree->buf, tree->rest, length);
}

/* Append the next word, a name or value with "length" characters. */
static void
append_word(Tree *tree, int length)
{
	bool		is_negative = tree->rest[0] == '-';

	if (is_inside(tree))
	{
		appendBinaryStringInfo(tree->buf, tree->rest, length);
		return;
	}
	if (tree->rest[0] == ':')
	{
		tree->key = tree->rest;
		tree->key_length = length;
	}
	if (is_position(tree) && is_number(tree->rest + is_negative, length - is_negative))
		return;
	if (length == 1 && tree->rest[0] == '0' + COERCE_EXPLICIT_CAST && is_cast_of_operand(tree))
		appendStringInfoChar(tree->buf, '0' + COERCE_IMPLICIT_CAST);
	else if (is_number(tree->rest, length))
		append_number(tree, length);
	else
		appendBinaryStringInfo(tree->buf, tree->rest, length);
}

/* Is the character at "at" preceded by a backslash that belongs to it? */
static bool
is_escaped(const Tree *tree, const char *at)
{
	int			backslashes = 0;

	while (at - backslashes > tree->text && at[-backslashes - 1] == '\\')
		backslashes++;
	return backslashes % 2 == 1;
}

/*
 * Append "length" separators, and keep track of the beginnings and ends of
 * nodes.
 */
static void
append_separators(Tree *tree, int length)
{
	for (const char *at = tree->rest; at < tree->rest + length; at++)
	{
		if (*at == '{' && !is_escaped(tree, at))
		{
			tree->depth++;
			if (tree->depth <= MAX_DEPTH)
				tree->is_operator[tree->depth] = strncmp(at, "{OPEXPR ", 8) == 0 || strncmp(at, "{SCALARARRAYOPEXPR ", 19) == 0;
		}
		else if (*at == '}' && !is_escaped(tree, at))
			tree->depth--;
	}
	appendBinaryStringInfo(tree->buf, tree->rest, length);
}

/*
 * Append a parse tree (pg_node_tree) to a buffer that will be hashed.  The
 * OIDs of objects in the schema are replaced by hashes of their names, and
 * positions in the original statement are left out.
 */
static void
scope_tree_append(StringInfo buf, const CmigScopeNames *names, const char *text)
{
	Tree		tree = {.buf = buf,.names = names,.text = text,.rest = text,.key = text};

	while (*tree.rest != '\0')
	{
		int			length = strcspn(tree.rest, SEPARATORS);

		if (length > 0 && append_reference(&tree))
			continue;
		if (length > 0)
			append_word(&tree, length);
		tree.rest += length;
		length = strspn(tree.rest, SEPARATORS);
		append_separators(&tree, length);
		tree.rest += length;
	}
	appendStringInfoChar(buf, '\0');
}

/* ----------------------------------------------------------------
 * Hashes the rows that describe a schema in the system catalogs.
 *
 * Before a row is hashed, the OIDs of objects in the schema are replaced by
 * hashes of their names, and the schema's name is replaced, too.  Therefore,
 * the hashes of equal schemas are usually equal.
 * ----------------------------------------------------------------
 */

void
cmig_scope_row_begin(CmigScopeRows *rows, const char *schema)
{
	scope_name_begin(&rows->names, schema);
	initStringInfo(&rows->text);
	rows->is_unknown = false;
	rows->sum[0] = rows->sum[1] = 0;
}

/*
 * Columns
 */

/*
 * Append the hash of an object's name or, if the object is not in the schema,
 * its OID.
 */
static void
append_oid(CmigScopeRows *rows, Oid object)
{
	uint64		name = cmig_scope_name_of(&rows->names, object);

	appendBinaryStringInfo(&rows->text, (char *) &name, sizeof(name));
}

/* Append an oidvector or oid[] value. */
static void
append_oids(CmigScopeRows *rows, Datum datum)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	Oid		   *oids = (Oid *) ARR_DATA_PTR(array);

	if (ARR_HASNULL(array))
		rows->is_unknown = true;
	appendBinaryStringInfo(&rows->text, (char *) &count, sizeof(count));
	for (int i = 0; i < count && !rows->is_unknown; i++)
		append_oid(rows, oids[i]);
}

/*
 * Append the privileges on an object.  The object's owner is written as 1, so
 * that objects with different owners can have the same privileges.
 */
static void
append_privileges(CmigScopeRows *rows, Datum datum, Oid owner)
{
	Acl		   *acl = DatumGetAclP(datum);

	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		const AclItem *item = &ACL_DAT(acl)[i];

		appendStringInfo(&rows->text, "%u %u " UINT64_FORMAT ",", item->ai_grantee == owner ? 1 : item->ai_grantee,
						 item->ai_grantor == owner ? 1 : item->ai_grantor, (uint64) item->ai_privs);
	}
}

/*
 * Append the elements of a text[] value, except for "pg_attver", which depends
 * on the minor version of PostgreSQL.
 */
static void
append_texts(CmigScopeRows *rows, Datum datum)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *option = nulls[i] ? NULL : TextDatumGetCString(elements[i]);

		if (option == NULL || strncmp(option, "pg_attver=", 10) != 0)
			cmig_scope_name_append(&rows->text, rows->names.schema, option);
	}
}

/* Append the bytes of a value of variable length. */
static void
append_bytes(CmigScopeRows *rows, Datum datum)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(datum);
	int			length = VARSIZE_ANY_EXHDR(bytes);

	appendBinaryStringInfo(&rows->text, (char *) &length, sizeof(length));
	appendBinaryStringInfo(&rows->text, VARDATA_ANY(bytes), length);
}

/*
 * Append a column value that is not null.  Values are written so that
 * different rows cannot result in the same bytes.
 */
static void
append_value(CmigScopeRows *rows, Oid type, Datum datum)
{
	switch (type)
	{
		case OIDOID:
		case REGPROCOID:
			append_oid(rows, DatumGetObjectId(datum));
			break;
		case BOOLOID:
		case CHAROID:
		case INT2OID:
		case INT4OID:
		case FLOAT4OID:
		case INT8OID:
			appendBinaryStringInfo(&rows->text, (char *) &datum, sizeof(datum));
			break;
		case NAMEOID:
			appendBinaryStringInfo(&rows->text, NameStr(*DatumGetName(datum)), strlen(NameStr(*DatumGetName(datum))) + 1);
			break;
		case TEXTOID:
			cmig_scope_name_append(&rows->text, rows->names.schema, TextDatumGetCString(datum));
			break;
		case TEXTARRAYOID:
			append_texts(rows, datum);
			break;
		case PG_NODE_TREEOID:
			scope_tree_append(&rows->text, &rows->names, TextDatumGetCString(datum));
			break;
		case OIDVECTOROID:
		case OIDARRAYOID:
			append_oids(rows, datum);
			break;
		case INT2VECTOROID:
		case INT2ARRAYOID:
		case CHARARRAYOID:
		case BYTEAOID:
			append_bytes(rows, datum);
			break;
		default:
			rows->is_unknown = true;
	}
	appendStringInfoChar(&rows->text, '\4');
}

/* Add rows->text to the hash of all rows, and return the hash of rows->text. */
static uint64
add_text(CmigScopeRows *rows)
{
	uint64		hash = 0;

	for (size_t i = 0; i < lengthof(rows->sum); i++)
		rows->sum[i] += hash = hash_bytes_extended((const unsigned char *) rows->text.data, rows->text.len, i);
	return hash;
}

uint64
cmig_scope_row_add(CmigScopeRows *rows, CmigScopeCatalogId id, HeapTuple row, Oid owner, uint64 prefix)
{
	const CmigScopeCatalog *catalog = &rows->catalogs[id];
	TupleDesc	desc = RelationGetDescr(catalog->table);
	Datum		values[MaxHeapAttributeNumber];
	bool		nulls[MaxHeapAttributeNumber];

	resetStringInfo(&rows->text);
	appendStringInfo(&rows->text, "%d " UINT64_FORMAT " ", id, prefix);
	heap_deform_tuple(row, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
	{
		CmigScopeColumn column = catalog->columns[i];

		if (column == CMIG_COLUMN_IGNORED || (column == CMIG_COLUMN_OWNER && !rows->options->owners) ||
			(column == CMIG_COLUMN_PRIVILEGES && !rows->options->privileges))
			continue;
		appendStringInfoChar(&rows->text, nulls[i] ? '\5' : '\6');
		if (nulls[i])
			continue;
		if (column == CMIG_COLUMN_PRIVILEGES)
			append_privileges(rows, values[i], owner);
		else
			append_value(rows, TupleDescAttr(desc, i)->atttypid, values[i]);
	}
	return add_text(rows);
}

void
cmig_scope_row_add_options(CmigScopeRows *rows, Oid object, Datum options)
{
	resetStringInfo(&rows->text);
	append_oid(rows, object);
	append_texts(rows, options);
	add_text(rows);
}
