/*
 * rename.c
 *	  Renames: those that the caller gives, those that follow from them, and
 *	  changes that look like renames.
 *
 * Renames are applied to the live image before it is compared.  The objects
 * are renamed in the catalogs, without locks, in a subtransaction that is
 * rolled back, so that PostgreSQL prints definitions with the new names.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "schema/internal.h"

/* The order in which objects are renamed. */
typedef enum RenameRank
{
	RENAME_SCHEMA,
	RENAME_MOVE,				/* to another schema */
	RENAME_MOVE_FUNCTION,		/* after the types of its arguments */
	RENAME_OBJECT,
	RENAME_PART,				/* columns, constraints, functions */
	RENAME_RANKS
} RenameRank;

/*
 * A keyword with which a rename begins, and the kinds of objects for which it
 * can be used.
 */
typedef struct Word
{
	const char *word;
	RenameRank	rank;
	int			parts;			/* number of parts of the name */
	const CmigKind *kinds[4];
} Word;

static const Word words[] = {
	{"schema", RENAME_SCHEMA, 1, {&cmig_kind_schema}},
	{"table", RENAME_OBJECT, 2, {&cmig_kind_table}},
	{"foreign table", RENAME_OBJECT, 2, {&cmig_kind_foreign_table}},
	{"view", RENAME_OBJECT, 2, {&cmig_kind_view}},
	{"materialized view", RENAME_OBJECT, 2, {&cmig_kind_materialized_view}},
	{"index", RENAME_OBJECT, 2, {&cmig_kind_index}},
	{"sequence", RENAME_OBJECT, 2, {&cmig_kind_sequence}},
	{"type", RENAME_OBJECT, 2, {&cmig_kind_enum, &cmig_kind_composite, &cmig_kind_domain}},
	{"enum", RENAME_OBJECT, 2, {&cmig_kind_enum}},
	{"domain", RENAME_OBJECT, 2, {&cmig_kind_domain}},
	{"function", RENAME_PART, 2, {&cmig_kind_function}},
	{"procedure", RENAME_PART, 2, {&cmig_kind_function}},
	{"column", RENAME_PART, 3, {&cmig_kind_column}},
	{"constraint", RENAME_PART, 3, {&cmig_kind_constraint, &cmig_kind_foreign_key}},
	{"foreign key", RENAME_PART, 3, {&cmig_kind_foreign_key}},
};

/* A rename that the caller gave, or that follows from another one. */
typedef struct Rename
{
	const char *text;			/* as the caller wrote it, or the object's
								 * identity */
	RenameRank	rank;
	CmigAddress address;		/* address of the live object */
	const char *name;			/* new name, or schema if it moves, unquoted */
} Rename;

/* Renames that are applied to an image one after another. */
typedef struct RenameRead
{
	const CmigManaged *managed;
	CmigImage  *image;			/* the image after the last rank */
	CmigImage  *to;
	bool		moves;			/* true if extensions must be moved */
	bool		replayed;		/* see cmig_rename_read() */
	List	   *renames;		/* list of Rename */
	List	  **lines;			/* gets a line for each rename */
} RenameRead;

static List *
append(List *renames, const char *text, RenameRank rank, const CmigObject *object, const char *name)
{
	Rename	   *rename = palloc(sizeof(Rename));

	*rename = (Rename)
	{
		text, rank, object->address, name
	};
	return lappend(renames, rename);
}

/* Returns the object that the rename is for, or NULL if the image lacks it. */
static CmigObject *
object_of(const CmigImage *image, const Rename *rename)
{
	return cmig_image_find_exactly(image, rename->address);
}

/* Names */

static bool
is_constraint(const CmigObject *object)
{
	return object->kind == &cmig_kind_constraint || object->kind == &cmig_kind_foreign_key;
}

/* Returns the offset of an object's own name in its identity. */
static size_t
name_offset(const CmigObject *object)
{
	const char *dot = object->identity;

	if (is_constraint(object) || object->kind == &cmig_kind_schema)
		return 0;
	if (object->kind != &cmig_kind_function)
		return strlen(object->identity) - strlen(quote_identifier(object->name));
	for (bool quoted = false; quoted || *dot != '.'; dot++)
		quoted ^= *dot == '"';
	return dot + 1 - object->identity;
}

/* Returns the object's identity with a different name. */
static char *
identity_with(const CmigObject *object, const char *name)
{
	size_t		offset = name_offset(object);

	return psprintf("%s%s%s", pnstrdup(object->identity, offset), quote_identifier(name),
					object->identity + offset + strlen(quote_identifier(object->name)));
}

/*
 * Returns the qualified name that the object's relation (the object itself
 * or its index) would have if the object were called "name".  Returns NULL if
 * the object has no relation.
 */
static const char *
relation_with(const CmigObject *object, const char *name)
{
	if ((object->kind->flags & CMIG_KIND_RELATION) != 0)
		return name == object->name ? object->identity : identity_with(object, name);
	/* the index of a constraint that was given a temporary name has it, too */
	if (cmig_index_name(object) == NULL)
		return NULL;
	return psprintf("%s%s", pnstrdup(object->parent->identity, name_offset(object->parent)),
					quote_identifier(name));
}

/*
 * Would the objects conflict if "object" were called "name", and "other" were
 * called "others"?
 */
static bool
collides(const CmigObject *object, const char *name, const CmigObject *other, const char *others)
{
	const int	flags = object->kind->flags & other->kind->flags & (CMIG_KIND_RELATION |
																	CMIG_KIND_TYPE);
	const char *relation = relation_with(object, name),
			   *second = relation ? relation_with(other, others) : NULL;

	if (object == other)
		return false;
	if (second != NULL && strcmp(relation, second) == 0)
		return true;
	if (is_constraint(object) && is_constraint(other) ? object->parent != other->parent :
		object->kind != other->kind && flags == 0)
		return false;
	return strcmp(identity_with(object, name),
				  others == other->name ? other->identity : identity_with(other, others)) == 0;
}

/*
 * Returns the object that would conflict with "object" if "object" were called
 * "name".  Returns NULL if there is none.
 */
static CmigObject *
find_holder(const CmigImage *image, const CmigObject *object, const char *name)
{
	for (int i = 0; i < image->count; i++)
		if (collides(object, name, image->objects[i], image->objects[i]->name))
			return image->objects[i];
	return NULL;
}

/* The renames that the caller gives */

static void
report_syntax(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid rename \"%s\"", text),
			 errhint("Write the kind, the qualified name, an arrow, and the new name: 'table public.a -> b', 'column public.a.x -> y'.")));
}

/* Returns the keyword with which a rename begins, or NULL if there is none. */
static const Word *
find_word(const char *text)
{
	for (int i = 0; i < lengthof(words); i++)
	{
		size_t		length = strlen(words[i].word);

		if (pg_strncasecmp(text, words[i].word, length) == 0 && text[length] == ' ')
			return &words[i];
	}
	return NULL;
}

/* Returns the first keyword for the kind of the object, or NULL. */
static const Word *
word_of(const CmigObject *object)
{
	for (int i = 0; i < lengthof(words); i++)
		for (int j = 0; j < lengthof(words[i].kinds); j++)
			if (words[i].kinds[j] == object->kind)
				return &words[i];
	return NULL;
}

/*
 * Returns the object of the word's kinds whose name has the parts "names".  If
 * "arguments" is not NULL, a function's argument types must also match.
 */
static CmigObject *
find_object(const CmigImage *image, const Word *word, const List *names, const char *arguments)
{
	const char *qualified = word->parts == 1 ? quote_identifier(strVal(linitial(names))) :
	psprintf("%s.%s", quote_identifier(strVal(linitial(names))),
			 quote_identifier(strVal(lsecond(names))));
	size_t		length = strlen(qualified);

	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];
		const char *identity = word->parts < 3 ? object->identity : object->parent ?
		object->parent->identity : "";
		int			j = 0;

		while (j < lengthof(word->kinds) && word->kinds[j] != object->kind)
			j++;
		if (j == lengthof(word->kinds) || strcmp(object->name, strVal(llast(names))) != 0 ||
			strncmp(identity, qualified, length) != 0)
			continue;
		if (object->kind != &cmig_kind_function ? identity[length] == '\0' :
			identity[length] == '(' &&
			(arguments == NULL || strcmp(identity + length, arguments) == 0))
			return object;
	}
	return NULL;
}

/*
 * Parse a rename such as "table public.a -> b", and add it to the list.  A part
 * of a table can be given with the old or the new name of the table.  A rename
 * in a comment is ignored if the old object does not exist.
 */
static List *
parse_rename(List *renames, const CmigImage *from, const char *text, bool is_comment)
{
	const Word *word = find_word(text);
	const char *rest = word ? text + strlen(word->word) + 1 : NULL;
	const char *renamed = word ? cmig_text_after(rest, " -> ") : NULL;
	char	   *old,
			   *arguments = NULL;
	List	   *names,
			   *others = NIL,
			   *new;
	CmigObject *object = NULL;
	bool		moves;

	if (renamed == NULL)
		report_syntax(text);
	old = pnstrdup(rest, renamed - strlen(" -> ") - rest);
	if (word->kinds[0] == &cmig_kind_function && strchr(old, '(') != NULL)
	{
		arguments = pstrdup(strchr(old, '('));
		*strchr(old, '(') = '\0';
	}
	names = textToQualifiedNameList(cstring_to_text(old));
	new = textToQualifiedNameList(cstring_to_text(renamed));
	if (list_length(names) != word->parts ||
		(list_length(new) != 1 && list_length(new) != word->parts))
		report_syntax(text);
	moves = word->parts == 2 && list_length(new) == 2 && !equal(linitial(new), linitial(names));
	if (moves && word->kinds[0] == &cmig_kind_index)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rename \"%s\" must not change the schema", text),
				 errdetail("An index is in the schema of its table.")));
	foreach_ptr(const Rename, rename, word->parts == 3 ? renames : NIL)
	{
		const CmigObject *table = object_of(from, rename);

		if (others == NIL && table != NULL && cmig_table_is(table) &&
			rename->rank == RENAME_OBJECT && strcmp(rename->name, strVal(lsecond(names))) == 0)
			others = list_make3(linitial(names), makeString(table->name), lthird(names));
	}
	if (!is_comment || others == NIL)
		object = find_object(from, word, names, arguments);
	if (object == NULL && others != NIL)
		object = find_object(from, word, others, arguments);
	if (object == NULL && !is_comment)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("rename \"%s\": %s %s does not exist", text, word->word,
						pnstrdup(rest, renamed - strlen(" -> ") - rest))));
	if (object != NULL && moves)
		renames = append(renames, text,
						 word->rank == RENAME_PART ? RENAME_MOVE_FUNCTION : RENAME_MOVE, object,
						 strVal(linitial(new)));
	return object ? append(renames, text, word->rank, object, strVal(llast(new))) : renames;
}

/* Parse the strings in "texts", and add their renames to the list. */
static List *
parse_renames(List *renames, const CmigImage *from, const List *texts, bool are_comments)
{
	/* parse tables first, because the names of their parts contain theirs */
	for (int pass = 0; pass < 2; pass++)
	{
		foreach_ptr(char, text, texts)
		{
			const Word *word = find_word(text);

			if ((word != NULL && word->parts == 3) == (pass == 1))
				renames = parse_rename(renames, from, text, are_comments);
		}
	}
	return renames;
}

/* Renames that follow from other renames */

/*
 * Returns the table that the object belongs to, if the object's default name
 * contains the name of the table.  Otherwise returns NULL.
 */
static const CmigObject *
table_of(const CmigObject *object)
{
	const CmigObject *owner;

	if (is_constraint(object) || object->kind == &cmig_kind_index)
		return object->parent;
	/* OWNED BY is a child of the sequence and depends on the column */
	owner = cmig_object_child(object, &cmig_kind_sequence_owner, NULL);
	for (int i = 0; owner != NULL && i < owner->ndepends; i++)
		if (owner->depends[i]->kind == &cmig_kind_column)
			return owner->depends[i]->parent;
	return NULL;
}

/*
 * Returns the only object in the target that may be this object of the table
 * under another name: all properties are the same, except for the name in an
 * index definition.  Returns NULL if there is none or more than one.
 */
static const CmigObject *
find_derived(const RenameRead *read, const CmigObject *object, const CmigObject *table)
{
	const CmigObject *found = NULL;

	for (int i = 0; i < read->to->count; i++)
	{
		const CmigObject *other = read->to->objects[i];
		const CmigObject *others = other->kind == object->kind ? table_of(other) : NULL;
		bool		same = others != NULL && strcmp(others->identity, table->identity) == 0 &&
		cmig_image_counterpart(read->image, other) == NULL;

		if (!same || !cmig_object_same_unnamed(object, other))
			continue;
		if (found != NULL)
			return NULL;
		found = other;
	}
	return found;
}

/*
 * Returns the renames of indexes, constraints, and sequences that differ from
 * the target's only in their names, if their table or another part of it has
 * been renamed.
 */
static List *
derived_renames(const RenameRead *read)
{
	List	   *result = NIL;

	for (int i = 0; i < read->image->count; i++)
	{
		const CmigObject *object = read->image->objects[i];
		const CmigObject *table = table_of(object);
		const CmigObject *other;
		bool		touched = false;

		if (table == NULL || cmig_image_counterpart(read->to, object) != NULL)
			continue;
		foreach_ptr(Rename, rename, read->renames)
		{
			const CmigObject *renamed = object_of(read->image, rename);

			touched |= renamed != NULL && (renamed == table || renamed->parent == table);
		}
		other = touched ? find_derived(read, object, table) : NULL;
		if (other != NULL)
			result = append(result, object->identity,
							is_constraint(object) ? RENAME_PART : RENAME_OBJECT, object,
							other->name);
	}
	return result;
}

/*
 * Returns the index's counterpart in the new image, or NULL if there is none.
 * An attached index is matched through its parent index; any other index is
 * matched by its table, name, and definition.
 */
static const CmigObject *
counterpart(const CmigImage *from, const CmigImage *to, const CmigObject *object)
{
	const CmigObject *parent = cmig_attached_parent(from, object),
			   *new;

	if (parent != NULL)
	{
		const CmigObject *table = cmig_image_counterpart(to, object->parent);

		new = counterpart(from, to, parent);
		for (const CmigObject *child = new &&
			 table ? table->child : NULL; child != NULL; child = child->sibling)
			if (child->kind == object->kind &&
				cmig_text_same(cmig_index_parent(child), cmig_index_name(new)))
				return child;
		return NULL;
	}
	new = cmig_attached_find(to, cmig_index_name(object));
	return new != NULL && new->kind == object->kind &&
		strcmp(new->parent->identity, object->parent->identity) == 0 &&
		cmig_kind_same_value(&new->kind->properties[0], object->values[0], new->values[0]) ? new :
		NULL;
}

static bool
is_renamed(const CmigImage *image, const List *renames, const CmigObject *object)
{
	foreach_ptr(Rename, rename, renames)
	{
		if (object_of(image, rename) == object)
			return true;
	}
	return false;
}

/*
 * Returns the renames of attached partition indexes that have another name in
 * the target, although the partitioned table's index stays the same.  If a new
 * name belongs to another index that is not renamed, that index is given a
 * temporary name; if it belongs to anything else, the name stays.
 */
static List *
attached_renames(const CmigImage *from, const CmigImage *to)
{
	List	   *renames = NIL;
	List	   *result = NIL;
	ListCell   *cell;
	int			count,
				number = 0;

	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *object = from->objects[i];
		const CmigObject *other = cmig_index_parent(object) ? counterpart(from, to, object) : NULL;

		if (other != NULL && strcmp(other->name, object->name) != 0)
			renames = append(renames, object->identity, RENAME_PART, object, other->name);
	}
	do
	{
		count = list_length(renames);
		foreach(cell, renames)
		{
			const Rename *rename = lfirst(cell);
			const CmigObject *holder = find_holder(from, object_of(from, rename), rename->name);

			if (holder != NULL && cmig_index_name(holder) == NULL &&
				!is_renamed(from, renames, holder))
				renames = foreach_delete_current(renames, cell);
		}
	} while (list_length(renames) != count);
	foreach_ptr(Rename, rename, renames)
	{
		const CmigObject *holder = find_holder(from, object_of(from, rename), rename->name);
		char	   *name;

		result = lappend(result, rename);
		if (holder == NULL || is_renamed(from, renames, holder))
			continue;
		do
			name = psprintf("cmig_old_%d", number++);
		while (find_holder(from, holder, name) != NULL || find_holder(to, holder, name) != NULL);
		result = append(result, holder->identity, RENAME_PART, holder, name);
	}
	return result;
}

/*
 * Moving extensions, before anything else is compared, because other objects'
 * definitions contain the schemas of the extensions' types and functions
 */

/* Returns the extension's schema in the target, or NULL if it need not move. */
static const char *
new_schema(const CmigObject *extension, const CmigImage *to)
{
	const CmigObject *other = extension->kind != &cmig_kind_extension ? NULL :
	cmig_image_counterpart(to, extension);

	if (other == NULL || extension->values[CMIG_EXTENSION_RELOCATABLE] == NULL ||
		strcmp(extension->values[CMIG_EXTENSION_SCHEMA], other->values[CMIG_EXTENSION_SCHEMA]) == 0)
		return NULL;
	return other->values[CMIG_EXTENSION_SCHEMA];
}

static bool
move_needed(const CmigImage *from, const CmigImage *to)
{
	for (int i = 0; i < from->count; i++)
		if (new_schema(from->objects[i], to) != NULL)
			return true;
	return false;
}

/*
 * Returns the schema with this quoted name.  If it is missing, creates it, and
 * adds it to *managed.
 */
static Oid
find_schema(const CmigManaged **managed, const CmigImage *to, const char *quoted, List **lines)
{
	char	   *name = strVal(linitial(textToQualifiedNameList(cstring_to_text(quoted))));
	Oid			oid = get_namespace_oid(name, true);
	CmigDiffLine row = {"create", cmig_kind_schema.name, quoted};

	if (OidIsValid(oid))
		return oid;
	oid = NamespaceCreate(name, GetUserId(), false);
	CommandCounterIncrement();
	*managed = cmig_managed_with(*managed, name, oid);
	row.subject = cmig_image_lookup(to, &cmig_kind_schema, quoted);
	row.upgrade = psprintf("CREATE SCHEMA %s", quoted);
	row.downgrade = psprintf("DROP SCHEMA %s", quoted);
	cmig_diff_line_add(&row, lines);
	return oid;
}

/*
 * Move the extensions in the catalogs, in a subtransaction that the caller
 * rolls back, and append the statements to *lines.  Schemas that do not exist
 * are created.  Returns the schemas to read afterwards.
 */
static const CmigManaged *
move_extensions(const CmigManaged *managed, const CmigImage *from, const CmigImage *to,
				List **lines)
{
	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *object = from->objects[i];
		const char *schema = new_schema(object, to);
		CmigDiffLine row = {"alter", object->kind->name, object->identity,.subject = object};
		Oid			extension = object->address.object;

		if (schema == NULL)
			continue;
		cmig_shadow_extension_move(extension, cmig_shadow_extension_schema(extension),
								   find_schema(&managed, to, schema, lines));
		row.upgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity, schema);
		row.downgrade = psprintf("ALTER EXTENSION %s SET SCHEMA %s", object->identity,
								 object->values[CMIG_EXTENSION_SCHEMA]);
		cmig_diff_line_add(&row, lines);
	}
	CommandCounterIncrement();
	return managed;
}

/* Moving objects to other schemas */

/* Returns "TABLE", or another word with which ALTER names the object. */
static const char *
word_in_alter(const CmigObject *object)
{
	return object->kind == &cmig_kind_function ? "ROUTINE" : object->kind->word;
}

/* Move the objects in the catalogs, and add their lines. */
static void
move_objects(RenameRead *read, RenameRank rank)
{
	bool		any = false;

	foreach_ptr(const Rename, rename, read->renames)
	{
		CmigObject *object = rename->rank == rank ? object_of(read->image, rename) : NULL;
		const char *schema = quote_identifier(rename->name);
		const char *old = object ? pnstrdup(object->identity, name_offset(object) - 1) : schema;
		CmigObject *moved;
		CmigDiffLine row = {"rename"};

		if (strcmp(old, schema) == 0)
			continue;
		moved = cmig_object_copy(object);
		moved->identity = psprintf("%s.%s", schema, object->identity + name_offset(object));
		for (int i = 0; i < read->image->count; i++)
			if (collides(moved, moved->name, read->image->objects[i],
						 read->image->objects[i]->name) && read->image->objects[i] != object)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_OBJECT),
						 errmsg("rename \"%s\": %s %s already exists", rename->text,
								read->image->objects[i]->kind->name, moved->identity),
						 errhint("Rename that object, too, or drop it first.")));
		row.kind = object->kind->name;
		row.object = moved->identity;
		row.subject = moved;
		row.upgrade = psprintf("ALTER %s %s SET SCHEMA %s", word_in_alter(object), object->identity,
							   schema);
		row.downgrade = psprintf("ALTER %s %s SET SCHEMA %s", word_in_alter(object),
								 moved->identity, old);
		cmig_shadow_object_move(object->address.catalog, object->address.object,
								find_schema(&read->managed, read->to, schema, read->lines));
		cmig_diff_line_add(&row, read->lines);
		any = true;
	}
	if (any)
		read->image = cmig_image_read(read->managed);
}

/* Applying renames */

/*
 * Returns the statement that renames the object.  "identity" is the object's
 * identity before the rename.
 */
static char *
rename_sql(const CmigObject *object, char *identity, char *from, const char *to)
{
	CmigObject	renamed = *object;

	if (object->kind == &cmig_kind_column)
		return psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", object->parent->identity,
						quote_identifier(from), quote_identifier(to));
	if (object->kind == &cmig_kind_constraint && cmig_index_parent(object) != NULL)
		return psprintf("ALTER INDEX %s%s RENAME TO %s",
						pnstrdup(object->parent->identity, name_offset(object->parent)),
						quote_identifier(from), quote_identifier(to));
	if (is_constraint(object))
		return psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", object->parent->identity,
						quote_identifier(from), quote_identifier(to));
	if (object->kind == &cmig_kind_function)
		return psprintf("ALTER %s %s RENAME TO %s", word_in_alter(object), identity,
						quote_identifier(to));
	renamed.identity = identity;
	renamed.name = from;
	return psprintf("ALTER %s RENAME TO %s", cmig_kind_reference(&renamed), quote_identifier(to));
}

/* Change the name in an object's catalog row. */
static void
set_name(Oid catalog, Oid object, const char *name)
{
	if (OidIsValid(object))
		cmig_shadow_rows_rename(catalog, object, get_object_attnum_name(catalog), name);
}

/* Rename the object in the catalogs and in the image, and add its line. */
static void
rename_object(RenameRead *read, CmigObject *object, const char *name)
{
	CmigAddress address = object->address;
	char	   *identity = identity_with(object, name);
	CmigDiffLine row = {"rename", object->kind->name, object->identity,.subject = object};

	row.upgrade = rename_sql(object, object->identity, object->name, name);
	row.downgrade = rename_sql(object, identity, pstrdup(name), object->name);
	cmig_diff_line_add(&row, read->lines);
	if (address.catalog == RelationRelationId && address.sub != 0)
	{
		/* rename a column in a table and in the child tables that inherit it */
		foreach_oid(relation, cmig_inheritors(address.object, NoLock))
		{
			Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);
			HeapTuple	tuple = SearchSysCacheCopyAttName(relation, object->name);

			if (HeapTupleIsValid(tuple))
			{
				namestrcpy(&((Form_pg_attribute) GETSTRUCT(tuple))->attname, name);
				CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
				heap_freetuple(tuple);
			}
			table_close(catalog, RowExclusiveLock);
		}
	}
	else
		set_name(address.catalog, address.object, name);

	/* a relation's row type, and the index of a constraint, have its name */
	if (address.catalog == RelationRelationId && address.sub == 0)
		set_name(TypeRelationId, get_rel_type_id(address.object), name);
	else if (address.catalog == ConstraintRelationId)
		set_name(RelationRelationId, get_constraint_index(address.object), name);
	else if (address.catalog == TypeRelationId)
		set_name(RelationRelationId, get_typ_typrelid(address.object), name);
	CommandCounterIncrement();
	object->name = pstrdup(name);
	object->identity = identity;
}

/* A rename, and whether it has been applied. */
typedef struct Pending
{
	CmigObject *object;
	const Rename *rename;
	bool		done;
} Pending;

/* Is there a rename of this object, to this name unless "name" is NULL? */
static bool
is_pending(const Pending *pending, int count, const CmigObject *object, const char *name)
{
	for (int i = 0; i < count; i++)
		if (pending[i].object == object &&
			(name == NULL || strcmp(pending[i].rename->name, name) == 0))
			return true;
	return false;
}

/*
 * Raise an error if two renames are for the same object, or give the same name
 * to two objects, or if a new name belongs to an object that is not renamed.
 */
static void
check_names(const CmigImage *image, const Pending *pending, int count)
{
	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
		{
			const Pending *a = &pending[j],
					   *b = &pending[i];

			if (a->object == b->object ||
				(strcmp(a->rename->name, b->rename->name) == 0 &&
				 collides(a->object, a->rename->name, b->object, b->rename->name)))
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_OBJECT),
						 a->object == b->object ?
						 errmsg("%s %s is renamed twice", a->object->kind->name,
								a->object->identity) :
						 errmsg("two renames result in the same name"),
						 errdetail("The renames are \"%s\" and \"%s\".", a->rename->text,
								   b->rename->text)));
		}
	for (int i = 0; i < count; i++)
	{
		const CmigObject *holder = find_holder(image, pending[i].object, pending[i].rename->name);

		if (holder != NULL && !is_pending(pending, count, holder, NULL))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("rename \"%s\": %s %s already exists", pending[i].rename->text,
							holder->kind->name, holder->identity),
					 errhint("Rename that object, too, or drop it first.")));
	}
}

/*
 * Apply the renames of one rank.  A rename waits until the object that has the
 * new name is renamed.  If objects swap names, one of them is given a temporary
 * name first.
 */
static void
run_rank(RenameRead *read, const List *renames, RenameRank rank)
{
	Pending    *pending = palloc(sizeof(Pending) * (list_length(renames) + 1));
	int			count = 0;

	foreach_ptr(const Rename, rename, renames)
	{
		CmigObject *object = rename->rank == rank ? object_of(read->image, rename) : NULL;

		if (object != NULL && strcmp(object->name, rename->name) != 0 &&
			!is_pending(pending, count, object, rename->name))
			pending[count++] = (Pending)
		{
			object, rename, false
		};
	}
	check_names(read->image, pending, count);
	for (int left = count; left > 0;)
	{
		Pending    *next = NULL;
		bool		waits = true;
		char	   *name;

		for (int i = 0; i < count && waits; i++)
		{
			if (pending[i].done)
				continue;
			next = &pending[i];
			waits = false;
			for (int j = 0; j < count; j++)
				waits |= !pending[j].done &&
					collides(next->object, next->rename->name, pending[j].object,
							 pending[j].object->name);
		}
		if (!waits)
		{
			rename_object(read, next->object, next->rename->name);
			next->done = true;
			left--;
			continue;
		}
		/* the remaining renames form a cycle */
		name = "cmig_swap_0";
		for (int i = 1; find_holder(read->image, next->object, name) != NULL; i++)
			name = psprintf("cmig_swap_%d", i);
		rename_object(read, next->object, name);
	}
	if (count > 0)
		read->image = cmig_image_read(read->managed);
}

/* A CmigShadowTask: apply extension moves and all renames to the catalogs. */
static void
run_renames(CmigShadow *shadow, void *arg)
{
	RenameRead *read = arg;
	List	   *derived;

	if (read->moves)
	{
		read->managed = move_extensions(read->managed, read->image, read->to, read->lines);
		read->image = cmig_image_read(read->managed);
	}
	for (int rank = 0; rank < RENAME_RANKS; rank++)
	{
		if (rank == RENAME_MOVE || rank == RENAME_MOVE_FUNCTION)
			move_objects(read, rank);
		else
			run_rank(read, read->renames, rank);
	}

	/* the target must have every renamed object under its new name */
	foreach_ptr(const Rename, rename, read->renames)
	{
		const CmigObject *object = object_of(read->image, rename);

		if (object != NULL && !read->replayed && cmig_image_counterpart(read->to, object) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("rename \"%s\": %s %s does not exist in the target", rename->text,
							object->kind->name, object->identity)));
	}
	derived = derived_renames(read);
	run_rank(read, derived, RENAME_OBJECT);
	run_rank(read, derived, RENAME_PART);
	run_rank(read, attached_renames(read->image, read->to), RENAME_PART);

	/*
	 * The downgrade restores functions before it reverts the renames, so
	 * their bodies may name objects that do not exist yet.
	 */
	cmig_body_check(read->image, read->to);

	/*
	 * An extension that a function's body uses may be in another schema when
	 * the function is re-created.
	 */
	for (int i = 0; i < read->image->count && read->moves; i++)
		read->image->objects[i]->unchecked |= read->image->objects[i]->kind == &cmig_kind_function;
}

/*
 * Returns the live image after the renames given by the caller and by comments
 * in the target, or "from" if there are no renames.  Appends a line for each
 * rename to *lines.  If "here" is true, the caller is in a shadow, and rolls
 * back a subtransaction afterwards.  If "replayed" is true, "renames" are those
 * that scripts make, also of what the images do not have.
 */
CmigImage *
cmig_rename_read(const CmigManaged *managed, CmigImage *from, CmigImage *to,
				 const List *renames, const List *comments, bool here,
				 bool replayed, List **lines)
{
	RenameRead	read = {.managed = managed,.image = from,.to = to,.replayed = replayed,
	.lines = lines};
	int			i = 0;

	read.renames = parse_renames(NIL, from, renames, replayed);
	read.renames = parse_renames(read.renames, from, comments, true);
	read.moves = move_needed(from, to);
	if (read.renames == NIL && !read.moves && attached_renames(from, to) == NIL)
		return from;
	while (!here && i < managed->count && !OidIsValid(managed->schemas[i].oid))
		i++;
	if (here)
		run_renames(NULL, &read);

	/*
	 * "rename" a schema to its own name: this changes nothing, but runs
	 * run_renames() in a subtransaction that is rolled back
	 */
	else if (i < managed->count)
		cmig_shadow_rename(managed->schemas[i].oid, managed->schemas[i].name, "cmig.diff()",
						   run_renames, &read);
	return read.image;
}

/* ----------------------------------------------------------------
 * Changes that look like renames: a table or column is dropped, and one like it
 * is created; or an object is dropped in one schema, and created in another.
 * ----------------------------------------------------------------
 */

/*
 * Returns a text that is the same for tables with the same columns, or for
 * columns of the same table with the same type.  Returns NULL if creating or
 * dropping the object cannot be part of a rename.
 */
static char *
signature(const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	StringInfoData buf;

	if ((change->action != CMIG_CREATE && change->action != CMIG_DROP) || change->part_of != NULL ||
		object->inherited)
		return NULL;
	if (object->kind == &cmig_kind_column)
		return psprintf("%s: %s", object->parent->identity, object->values[CMIG_COLUMN_TYPE]);
	if (!cmig_table_is(object))
		return NULL;
	initStringInfo(&buf);
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column)
			appendStringInfo(&buf, "%s %s,", quote_identifier(child->name),
							 child->values[CMIG_COLUMN_TYPE]);
	return buf.len > 0 ? buf.data : NULL;
}

/* Append the text without the schema's name, which ends with a period. */
static void
append_without(StringInfo buf, const char *text, const char *schema)
{
	size_t		length = strlen(schema);
	bool		inside = false; /* in an identifier */

	for (; text != NULL && *text != '\0'; text++)
	{
		if (!inside && strncmp(text, schema, length) == 0)
			text += length;
		inside = isalnum((unsigned char) *text) || *text == '_' || IS_HIGHBIT_SET(*text);
		appendStringInfoChar(buf, *text);
		if (*text == '\0')
			break;
	}
}

/*
 * Returns a text that is the same for objects of the same kind, name, and
 * definition in different schemas.  Returns NULL if the object cannot move.
 */
static char *
moving_signature(const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	const Word *word = word_of(object);
	StringInfoData buf;
	char	   *schema;

	if ((change->action != CMIG_CREATE && change->action != CMIG_DROP) || change->part_of != NULL ||
		object->linked ||
		word == NULL || word->parts != 2 || object->kind == &cmig_kind_index)
		return NULL;
	initStringInfo(&buf);
	schema = pnstrdup(object->identity, name_offset(object));
	appendStringInfo(&buf, "%s ", word->word);
	append_without(&buf, object->identity, schema);
	for (int i = 0; i < object->kind->nproperties && !cmig_table_is(object); i++)
	{
		appendStringInfoChar(&buf, '\n');
		append_without(&buf, object->values[i], schema);
	}
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
	{
		if (child->kind != &cmig_kind_column && child->kind != &cmig_kind_attribute)
			continue;
		appendStringInfo(&buf, "\n%s ", quote_identifier(child->name));
		append_without(&buf, child->values[0], schema);
	}
	return buf.data;
}

/* Issue a NOTICE if one label of an enum is replaced with a new one. */
static void
tell_label(CmigChange *change)
{
	List	   *old,
			   *new;
	char	   *sql;

	if (change->from == NULL || change->to == NULL || change->from->kind != &cmig_kind_enum ||
		change->to->kind != &cmig_kind_enum)
		return;
	old = cmig_enum_new(change->to, change->from);
	new = cmig_enum_new(change->from, change->to);
	if (list_length(old) != 1 || list_length(new) != 1)
		return;
	sql = psprintf("ALTER TYPE %s RENAME VALUE '%s' TO '%s'", change->from->identity,
				   (char *) linitial(old), (char *) linitial(new));
	change->question = psprintf("may be a rename: %s", sql);
	ereport(NOTICE,
			(errmsg("this may be a rename: value '%s' -> '%s' of enum %s", (char *) linitial(old),
					(char *) linitial(new), change->from->identity),
			 errhint("If so, use this statement instead: %s", sql)));
}

/*
 * Issue a NOTICE for each change that is probably a rename or, if "moves" is
 * true, a move to another schema.
 */
static void
tell_pairs(const CmigDifference *difference, bool moves)
{
	char	  **signatures = palloc(sizeof(char *) * Max(difference->count, 1));

	for (int i = 0; i < difference->count; i++)
		signatures[i] = (moves ? moving_signature : signature) (&difference->changes[i]);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigObject *from = difference->changes[i].from,
				   *to = NULL;
		int			created = 0,
					dropped = 0;
		char	   *rename;

		for (int j = 0; signatures[i] != NULL && from != NULL && j < difference->count; j++)
		{
			const CmigChange *other = &difference->changes[j];

			if (signatures[j] == NULL ||
				(other->to ? other->to : other->from)->kind != from->kind ||
				strcmp(signatures[i], signatures[j]) != 0)
				continue;
			dropped += other->action == CMIG_DROP;
			created += other->action == CMIG_CREATE;
			to = other->to ? other->to : to;
		}
		if (created != 1 || dropped != 1 ||
			(name_offset(from) == name_offset(to) &&
			 strncmp(from->identity, to->identity, name_offset(from)) == 0) == moves)
			continue;
		rename = psprintf("%s %s -> %s%s", word_of(from)->word, from->identity,
						  moves ? pnstrdup(to->identity, name_offset(to)) : "",
						  quote_identifier(to->name));
		difference->changes[i].question = psprintf("may be a rename: renames => ARRAY[%s]",
												   quote_literal_cstr(rename));
		ereport(NOTICE,
				(errmsg("this may be a rename: %s", rename),
				 cmig_hint("If so, add this argument: `renames => ARRAY[%s]`",
						   quote_literal_cstr(rename))));
	}
}

void
cmig_rename_tell(const CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		tell_label(&difference->changes[i]);
	tell_pairs(difference, false);
	tell_pairs(difference, true);
}
