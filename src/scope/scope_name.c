/*
 * scope_name.c
 *	  Hashes the names of the objects in a scope's schema, without the schema's
 *	  name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "scope/scope_name.h"

#include "access/transam.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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

void
cmig_scope_name_begin(CmigScopeNames *names, const char *schema)
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
