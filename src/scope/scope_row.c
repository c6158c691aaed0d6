/*
 * scope_row.c
 *	  Hashes the rows that describe a schema in the system catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "scope/scope_row.h"
#include "scope/scope_tree.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

void
cmig_scope_row_begin(CmigScopeRows *rows, const char *schema)
{
	cmig_scope_name_begin(&rows->names, schema);
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
			cmig_scope_tree_append(&rows->text, &rows->names, TextDatumGetCString(datum));
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
