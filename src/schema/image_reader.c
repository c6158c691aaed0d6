/*
 * image_reader.c
 *	  Reads the columns of a query's row, and finds extension members.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "schema/image_reader.h"

#include "access/htup_details.h"
#include "catalog/pg_extension.h"
#include "utils/builtins.h"

/* An object that belongs to an extension. */
typedef struct Member
{
	CmigAddress address;
	Oid			extension;
} Member;

/*
 * Rows
 */

void
cmig_image_reader_row(CmigImageReader *reader, TupleDesc desc, HeapTuple row)
{
	if (reader->ncolumns < desc->natts)
	{
		reader->values = palloc(sizeof(Datum) * desc->natts);
		reader->nulls = palloc(sizeof(bool) * desc->natts);
		reader->ncolumns = desc->natts;
	}
	heap_deform_tuple(row, desc, reader->values, reader->nulls);
}

CmigAddress
cmig_image_reader_address(const CmigImageReader *reader, int column)
{
	CmigAddress address = {0};

	if (reader->nulls[column])
		return address;
	address.catalog = DatumGetObjectId(reader->values[column]);
	address.object = DatumGetObjectId(reader->values[column + 1]);
	address.sub = DatumGetInt32(reader->values[column + 2]);
	return address;
}

char *
cmig_image_reader_text(const CmigImageReader *reader, int column)
{
	return reader->nulls[column] ? NULL : TextDatumGetCString(reader->values[column]);
}

bool
cmig_image_reader_bool(const CmigImageReader *reader, int column)
{
	return !reader->nulls[column] && DatumGetBool(reader->values[column]);
}

/*
 * Extension members
 */

/* Row callback: add an extension member. */
static void
add_member(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigAddress address;
	Member	   *member;

	cmig_image_reader_row(reader, desc, row);
	address = cmig_image_reader_address(reader, 0);
	member = hash_search(reader->members, &address, HASH_ENTER, NULL);
	member->extension = DatumGetObjectId(reader->values[3]);
}

void
cmig_image_reader_find_members(CmigImageReader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT classid, objid, 0, refobjid FROM pg_depend WHERE deptype = 'e'"
		" UNION ALL SELECT 'pg_type'::regclass, t.typarray, 0, d.refobjid FROM pg_depend d JOIN pg_type t ON t.oid = d.objid"
		" WHERE d.deptype = 'e' AND d.classid = 'pg_type'::regclass AND t.typarray <> 0"
	};
	HASHCTL		control = {
		.keysize = sizeof(CmigAddress),.entrysize = sizeof(Member),
		.hcxt = CurrentMemoryContext
	};

	reader->members = hash_create("pg_cmig members", 256, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cmig_query_each(&query, NULL, NULL, add_member, reader);
}

bool
cmig_image_reader_is_member(const CmigImageReader *reader, CmigAddress address, CmigAddress *extension)
{
	Member	   *member;

	address.sub = 0;
	member = hash_search(reader->members, &address, HASH_FIND, NULL);
	if (member == NULL)
		return false;
	if (extension != NULL)
		*extension = (CmigAddress)
	{
		ExtensionRelationId, member->extension, 0
	};
	return true;
}
