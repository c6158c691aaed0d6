/*
 * hazard.c
 *	  Hazards of a difference, renames in the live image, and functions that would not be created.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "parse/parse.h"
#include "run/run.h"
#include "schema/internal.h"
#include "schema/shadow.h"

/* ----------------------------------------------------------------
 * Determines the effects of a statement on the rows of its table.
 * ----------------------------------------------------------------
 */

/*
 * Can the object have rows?  A domain has the rows of the tables whose columns
 * have this type.
 */
static bool
has_rows(const CmigObject *object)
{
	return object != NULL && (object->address.catalog == RelationRelationId || object->kind == &cmig_kind_domain);
}

/* The size of the relations in t (oid); no row if they are empty. */
#define SIZE_SQL \
	" SELECT pg_size_pretty(sum(pg_table_size(c.oid)))" \
	"  || CASE n.rows WHEN 0 THEN '' WHEN 1 THEN ', about 1 row' ELSE format(', about %s rows', n.rows) END" \
	" FROM t JOIN pg_class c ON c.oid = t.oid AND c.relkind <> 'S'" \
	" CROSS JOIN (SELECT coalesce(sum(greatest(r.reltuples, 0)) FILTER (WHERE r.relkind <> 'p'), 0)::bigint" \
	"  FROM pg_class r WHERE r.oid IN (SELECT t.oid FROM t)) n (rows)" \
	" GROUP BY n.rows HAVING sum(pg_relation_size(c.oid)) > 0"

/*
 * Returns the size of a table and the tables that inherit from it, or the size
 * of the tables whose columns have a domain, as text.  Returns NULL if the
 * tables are empty, or if the object is of another kind.
 */
static char *
table_size(const CmigObject *table)
{
	static CmigQuery of_table = {
		.sql = "WITH RECURSIVE t (oid) AS (SELECT $1 UNION SELECT i.inhrelid FROM pg_inherits i JOIN t ON t.oid = i.inhparent)" SIZE_SQL,
		.nargs = 1,.argtypes = {OIDOID}
	};
	static CmigQuery of_domain = {
		.sql = "WITH RECURSIVE d (oid) AS (SELECT $1 UNION SELECT y.oid FROM pg_type y JOIN d ON d.oid = y.typbasetype),"
		" t (oid) AS (SELECT DISTINCT a.attrelid FROM pg_attribute a JOIN d ON d.oid = a.atttypid"
		"  JOIN pg_class k ON k.oid = a.attrelid AND k.relkind IN ('r', 'm') WHERE NOT a.attisdropped)" SIZE_SQL,
		.nargs = 1,.argtypes = {OIDOID}
	};
	Datum		oid;
	char	   *size = NULL;

	if (!has_rows(table))
		return NULL;
	oid = ObjectIdGetDatum(table->address.object);
	cmig_query_each(table->kind == &cmig_kind_domain ? &of_domain : &of_table, &oid, NULL, cmig_query_keep_text, &size);
	return size;
}

/*
 * Is there a binary-coercible cast between the types, so that values need not
 * be rewritten?
 */
static bool
is_binary_coercible(const char *from, const char *to)
{
	static CmigQuery query = {
		.sql = "SELECT true FROM pg_cast WHERE castsource = to_regtype($1) AND casttarget = to_regtype($2) AND castmethod = 'b'"
		" UNION ALL SELECT true FROM pg_type WHERE oid = to_regtype($1) AND typtype = 'd' AND typbasetype = to_regtype($2)",
		.nargs = 2,.argtypes = {TEXTOID, TEXTOID}
	};
	Datum		values[2];

	/*
	 * return false for a type with a modifier, such as varchar(10), because a
	 * cast to it can change values
	 */
	if (strchr(to, '(') != NULL)
		return false;
	values[0] = CStringGetTextDatum(from);
	values[1] = CStringGetTextDatum(to);
	return cmig_query_run(&query, values, NULL) > 0;
}

/* An expression, and whether it contains a volatile function. */
typedef struct Volatility
{
	const char *expression;
	bool		is_volatile;
} Volatility;

/*
 * Subtransaction callback: analyze the expression.  The query tree is in the
 * subtransaction's memory context.
 */
static void
analyze(void *arg)
{
	Volatility *volatility = arg;
	char	   *sql = psprintf("SELECT %s", volatility->expression);
	RawStmt    *raw = cmig_raw_parse_one(sql);
	Query	   *query;

	cmig_raw_parse_blank_strings(raw->stmt);
	query = parse_analyze_fixedparams(raw, sql, NULL, 0, NULL);
	volatility->is_volatile = contain_volatile_functions((Node *) query->targetList);
}

/*
 * Is the expression volatile?  Returns true if the answer is unknown because
 * the expression uses objects that do not exist yet.
 */
static bool
is_volatile(const char *expression)
{
	Volatility	volatility = {expression, true};
	ErrorData  *error = cmig_subtransaction_rehearse(analyze, &volatility);

	if (error != NULL)
		FreeErrorData(error);
	return volatility.is_volatile;
}

/* Append a word to a list, after a comma if it is not the first one. */
static void
append_word(StringInfo buf, const char *word)
{
	appendStringInfo(buf, "%s%s", buf->len > 0 ? ", " : "", word);
}

/*
 * Returns the flags without those that do not apply to the statement's types
 * or to the new column's default; see CmigDdl.
 */
static int
real_hazards(int hazards, const char *old_type, const char *new_type, const char *expression)
{
	if ((hazards & CMIG_HAZARD_REWRITE) == 0)
		return hazards;
	if (old_type != NULL)
		return is_binary_coercible(old_type, new_type) ? 0 : hazards;
	return expression == NULL || is_volatile(expression) ? hazards : hazards & ~CMIG_HAZARD_REWRITE;
}

/*
 * Describes what the statement does to the rows.  Returns NULL if the
 * statement has no hazard.
 */
static char *
hazard_text(int hazards, const char *table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (hazards & CMIG_HAZARD_INVALID)
		append_word(&buf, "invalid index");
	if (hazards & CMIG_HAZARD_REWRITE)
		append_word(&buf, "table rewrite");
	if (hazards & CMIG_HAZARD_MOVES)
		append_word(&buf, "moves all rows");
	if (hazards & CMIG_HAZARD_SCAN)
		append_word(&buf, "full scan");
	if (hazards & CMIG_HAZARD_BLOCKS)
		append_word(&buf, "blocks writes");
	if (hazards & CMIG_HAZARD_MAY_FAIL)
		append_word(&buf, "may fail on existing rows");
	if (hazards & CMIG_HAZARD_FAILS)
		append_word(&buf, "fails on existing rows without a value");
	if (hazards & CMIG_HAZARD_UNPROTECTS)
		append_word(&buf, "row security disabled");
	if (hazards & CMIG_HAZARD_POLICY)
		append_word(&buf, "policy dropped");
	return buf.len > 0 ? psprintf("%s: %s", buf.data, table) : NULL;
}

/* Set the texts of the hazards that depend on rows. */
static void
set_texts(CmigDiffLine *line)
{
	line->general_hazard = hazard_text(line->hazards, line->table);
	line->undo_hazard = hazard_text(line->undo_hazards, line->table);
	line->hazard = line->general_hazard && line->size ? psprintf("%s (%s)", line->general_hazard, line->size) : NULL;
}

void
cmig_hazard_set(CmigDiffLine *line, const CmigDiffRow *row)
{
	const CmigDdl none = {0},
			   *ddl = row->ddl ? row->ddl : &none;
	const CmigObject *root = row->subject;

	while (root != NULL && root->parent != NULL)
		root = root->parent;
	line->table = root ? pstrdup(root->identity) : NULL;
	line->size = table_size(row->table);
	if (has_rows(row->table))
		line->hazards = real_hazards(ddl->hazards, ddl->old_type, ddl->new_type, ddl->expression);
	if (root != NULL)
		line->undo_hazards = real_hazards(row->undo_hazards, ddl->new_type, ddl->old_type, NULL);
	set_texts(line);
	if (row->hazard != NULL)
	{
		line->hazard = line->size ? psprintf("%s (%s)", row->hazard, line->size) : pstrdup(row->hazard);
		line->general_hazard = pstrdup(row->hazard);
	}
}

void
cmig_hazard_move(CmigDiffLine *lead, CmigDiffLine *line)
{
	lead->hazards |= line->hazards;
	lead->undo_hazards |= line->undo_hazards;
	line->hazards = line->undo_hazards = 0;
	set_texts(lead);
	set_texts(line);
}

/* ----------------------------------------------------------------
 * Finds the functions that CREATE FUNCTION would reject.
 *
 * CREATE FUNCTION rejects many functions whose bodies name objects that do not
 * exist, or that are found only with another search_path.  Such functions are
 * created while check_function_bodies is off.
 *
 * The language's validator decides, as in CREATE FUNCTION.  It runs as the
 * function's owner, in a security-restricted operation and in a subtransaction
 * that is rolled back.
 *
 * Analyzing a body can run other code: a literal of a domain type, for
 * example, runs the domain's checks.  The type's owner, and the caller, who
 * chooses search_path, must not be able to run code as the function's owner in
 * this way.  Therefore, two groups of functions are not checked, and count as
 * rejected: functions whose owner's privileges the caller lacks, and functions
 * whose bodies contain literals of types that is_safe() rejects.
 * ----------------------------------------------------------------
 */

/*
 * Is the function written in C?  Only superusers can create C functions, so
 * they are safe to call.  A validator in another language could run arbitrary
 * code.
 */
static bool
is_in_c(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language;

	if (!HeapTupleIsValid(row))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(row))->prolang;
	ReleaseSysCache(row);
	return language == INTERNALlanguageId || language == ClanguageId;
}

/*
 * Returns the validator of the function's language, or InvalidOid if the body
 * is already parsed or the validator is not written in C.
 */
static Oid
find_validator(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function)),
				language;
	Oid			validator = InvalidOid;
	bool		parsed;

	if (!HeapTupleIsValid(row))
		return InvalidOid;
	(void) SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosqlbody, &parsed);
	parsed = !parsed;
	language = SearchSysCache1(LANGOID, ObjectIdGetDatum(((Form_pg_proc) GETSTRUCT(row))->prolang));
	if (HeapTupleIsValid(language))
	{
		if (!parsed)
			validator = ((Form_pg_language) GETSTRUCT(language))->lanvalidator;
		ReleaseSysCache(language);
	}
	ReleaseSysCache(row);
	return OidIsValid(validator) && is_in_c(validator) ? validator : InvalidOid;
}

/*
 * Does the type's input function run only C code?  For a domain or a composite
 * type, it can also run check expressions.
 */
static bool
is_safe(Oid type)
{
	Oid			element = get_element_type(type);

	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
			return !OidIsValid(element) || is_safe(element);
		case TYPTYPE_ENUM:
			return true;
		case TYPTYPE_RANGE:
			return is_safe(get_range_subtype(type));
		case TYPTYPE_MULTIRANGE:
			return is_safe(get_multirange_range(type));
		default:
			return false;
	}
}

/* Is an argument polymorphic, so that the validator only parses the body? */
static bool
is_polymorphic(Form_pg_proc form)
{
	for (int i = 0; i < form->pronargs; i++)
		if (IsPolymorphicType(form->proargtypes.values[i]))
			return true;
	return false;
}

/*
 * Raise an error if analyzing the body of an SQL function could run the code of
 * a type's owner.
 */
static void
refuse_unsafe(HeapTuple row)
{
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &isnull);
	char	   *body;
	ListCell   *lc;

	if (isnull || is_polymorphic((Form_pg_proc) GETSTRUCT(row)))
		return;
	body = TextDatumGetCString(source);
	foreach(lc, cmig_raw_parse(body, RAW_PARSE_DEFAULT))
	{
		RawStmt    *raw = lfirst_node(RawStmt, lc);

		if (analyze_requires_snapshot(raw))
			(void) cmig_safe_parse(raw, body, row, NULL, is_safe);
	}
}

/*
 * Call the validator as the function's owner, with the settings of the
 * function's SET clauses.  Rolling back the subtransaction restores the role
 * and the settings.
 */
static void
validate(void *arg)
{
	Oid			function = *(Oid *) arg;
	Oid			validator = find_validator(function);
	CmigRole	role;
	HeapTuple	row;
	Datum		settings;
	bool		isnull;

	if (!OidIsValid(validator))
		return;
	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	cmig_role_read_as(&role, ((Form_pg_proc) GETSTRUCT(row))->proowner);
	settings = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_proconfig, &isnull);
	if (!isnull)
		ProcessGUCArray(DatumGetArrayTypePCopy(settings), superuser() ? PGC_SUSET : PGC_USERSET,
						PGC_S_SESSION, GUC_ACTION_SAVE);
	if (validator == F_FMGR_SQL_VALIDATOR)
		refuse_unsafe(row);
	ReleaseSysCache(row);
	/* do not use what the session compiled before the names changed */
	cmig_outside_mark(function, GetCurrentTransactionId());
	OidFunctionCall1(validator, ObjectIdGetDatum(function));
}

/* Does the current user have the privileges of the function's owner? */
static bool
may_act_as_owner(Oid function)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result;

	if (!HeapTupleIsValid(row))
		return false;
	result = has_privs_of_role(GetUserId(), ((Form_pg_proc) GETSTRUCT(row))->proowner);
	ReleaseSysCache(row);
	return result;
}

/*
 * Set the field "unchecked" if the object is a function whose body the
 * validator rejects or must not examine.
 */
static void
check(CmigObject *function)
{
	Oid			oid = function->address.object;
	ErrorData  *error;

	if (function->kind != &cmig_kind_function)
		return;
	if (!may_act_as_owner(oid))
	{
		function->unchecked = true;
		return;
	}
	error = cmig_subtransaction_rehearse(validate, &oid);
	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
		ReThrowError(error);
	FreeErrorData(error);
	function->unchecked = true;
}

/* Does the image contain the same function with the same definition? */
static bool
has_same(const CmigImage *image, const CmigObject *function)
{
	const CmigObject *other = cmig_image_lookup(image, function->kind, function->identity);

	return other != NULL && strcmp(other->values[0], function->values[0]) == 0;
}

void
cmig_body_check(CmigImage *image, const CmigImage *other)
{
	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind == &cmig_kind_function &&
			(other == NULL || !has_same(other, image->objects[i])))
			check(image->objects[i]);
}

void
cmig_body_check_changed(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->from != NULL && change->from->kind == &cmig_kind_function && change->action != CMIG_NO_CHANGE)
			check(change->from);
		if (change->action == CMIG_AGAIN && change->from->unchecked)
			change->to->unchecked = true;
	}
}

/* ----------------------------------------------------------------
 * Applies renames to an image.
 * ----------------------------------------------------------------
 */

/* Renames that are applied to an image one after another. */
typedef struct RenameRead
{
	const CmigManaged *managed;
	CmigImage  *image;			/* the image after the last step */
	CmigImage  *to;
	List	   *renames;		/* list of CmigRename */
	CmigDiffCallback callback;
	void	   *arg;
} RenameRead;

/*
 * The catalogs
 */

/* Change the name in an object's catalog row. */
static void
set_name(Oid catalog, Oid object, const char *name)
{
	if (OidIsValid(object))
		cmig_shadow_rows_rename(catalog, object, get_object_attnum_name(catalog), name);
}

/* Rename a constraint and its index, which has the same name. */
static void
rename_constraint(Oid constraint, const char *name)
{
	/* InvalidOid if the constraint has no index of its own */
	Oid			index = get_constraint_index(constraint);

	set_name(ConstraintRelationId, constraint, name);
	set_name(RelationRelationId, index, name);
}

/* Rename the object in the catalogs. */
static void
apply_step(const CmigRenameStep *step, const char *old)
{
	CmigAddress address = step->object->address;

	if (address.catalog == RelationRelationId && address.sub != 0)
	{
		ListCell   *cell;

		/* rename a column in a table and in the child tables that inherit it */
		foreach(cell, find_all_inheritors(address.object, NoLock, NULL))
		{
			Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);
			HeapTuple	row = SearchSysCacheCopyAttName(lfirst_oid(cell), old);

			if (HeapTupleIsValid(row))
			{
				namestrcpy(&((Form_pg_attribute) GETSTRUCT(row))->attname, step->name);
				CatalogTupleUpdate(catalog, &row->t_self, row);
				heap_freetuple(row);
			}
			table_close(catalog, RowExclusiveLock);
		}
	}
	else if (address.catalog == RelationRelationId)
	{
		/* rename a relation and its row type, which has the same name */
		set_name(RelationRelationId, address.object, step->name);
		set_name(TypeRelationId, get_rel_type_id(address.object), step->name);
	}
	else if (address.catalog == ConstraintRelationId)
		rename_constraint(address.object, step->name);
	else
	{
		set_name(address.catalog, address.object, step->name);
		if (address.catalog == TypeRelationId)
			set_name(RelationRelationId, get_typ_typrelid(address.object), step->name);
	}
	CommandCounterIncrement();
}

/*
 * The renames
 */

/* Apply renames in the order of their ranks. */
static void
run_ranks(RenameRead *read, const List *renames)
{
	for (int rank = 0; rank < CMIG_RENAME_RANKS; rank++)
	{
		List	   *steps = cmig_rename_steps(read->image, renames, rank);
		ListCell   *cell;

		/*
		 * Run the steps of one rank.  Each step uses the names that the
		 * preceding steps have given to objects.
		 */
		foreach(cell, steps)
		{
			CmigRenameStep *step = lfirst(cell);
			char	   *old = step->object->name;
			const CmigObject *object = step->object;
			CmigDiffRow row = {"rename", object->kind->name, object->identity, step->sql, step->undo,.subject = object};

			/* pass the row of a step to the callback */
			read->callback(&row, read->arg);
			apply_step(step, old);
			step->object->name = step->name;
			step->object->identity = step->identity;
		}
		if (steps != NIL)
			read->image = cmig_image_read(read->managed);
	}
}

/* A CmigShadowTask: apply extension moves and all renames to the catalogs. */
static void
run_renames(CmigShadow *shadow, void *arg)
{
	RenameRead *read = arg;
	ListCell   *cell;

	if (cmig_extension_move_needed(read->image, read->to))
	{
		read->managed = cmig_extension_move(read->managed, read->image, read->to, read->callback, read->arg);
		read->image = cmig_image_read(read->managed);
	}
	run_ranks(read, read->renames);

	/*
	 * raise an error unless the target has every renamed object under its new
	 * name
	 */
	foreach(cell, read->renames)
	{
		const CmigRename *rename = lfirst(cell);
		const CmigObject *object = cmig_image_find_exactly(read->image, rename->address);

		if (object != NULL && cmig_image_lookup(read->to, object->kind, object->identity) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("rename \"%s\": %s %s does not exist in the target", rename->text,
							object->kind->name, object->identity)));
	}
	run_ranks(read, cmig_rename_derived(read->image, read->to, read->renames));
	run_ranks(read, cmig_rename_attached(read->image, read->to));

	/*
	 * The downgrade restores functions before it reverts the renames, so
	 * their bodies may name objects that do not exist yet.
	 */
	cmig_body_check(read->image, read->to);
}

static List *
parse_names(const char *name)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, textToQualifiedNameList(cstring_to_text(name)))
		names = lappend(names, strVal(lfirst(cell)));
	return names;
}

/* Parse the strings in "texts", and add their renames to the list. */
static List *
parse_all(List *renames, const CmigImage *from, const List *texts, bool are_comments)
{
	const CmigRenameNames names = {parse_names};
	ListCell   *cell;

	/*
	 * parse tables first, because a column's table can be given by its old or
	 * new name
	 */
	for (int pass = 0; pass < 2; pass++)
		foreach(cell, texts)
	{
		const char *text = lfirst(cell);
		bool		is_part = pg_strncasecmp(text, "column ", 7) == 0 || pg_strncasecmp(text, "constraint ", 11) == 0 ||
		pg_strncasecmp(text, "foreign key ", 12) == 0;

		if (is_part == (pass == 1))
			renames = cmig_rename_add(renames, from, text, are_comments, &names);
	}
	return renames;
}

static void
init_renames(RenameRead *read, const List *renames, const List *comments)
{
	read->renames = parse_all(NIL, read->image, renames, false);
	read->renames = parse_all(read->renames, read->image, comments, true);
}

/* Is there anything to rename or move? */
static bool
is_needed(const RenameRead *read)
{
	return read->renames != NIL || cmig_extension_move_needed(read->image, read->to) || cmig_rename_attached(read->image, read->to) != NIL;
}

CmigImage *
cmig_rename_read(const CmigManaged *managed, CmigImage *from, CmigImage *to,
				 const List *renames, const List *comments, CmigDiffCallback callback, void *arg)
{
	RenameRead	read = {.managed = managed,.image = from,.to = to,.callback = callback,.arg = arg};

	init_renames(&read, renames, comments);
	for (int i = 0; i < managed->count && is_needed(&read); i++)
	{
		if (!OidIsValid(managed->schemas[i].oid))
			continue;

		/*
		 * "rename" a schema to its own name: this changes nothing, but runs
		 * run_renames() in a subtransaction that is rolled back
		 */
		cmig_shadow_rename(managed->schemas[i].oid, managed->schemas[i].name, "cmig.diff()", run_renames, &read);
		break;
	}
	return read.image;
}

CmigImage *
cmig_rename_read_here(const CmigManaged *managed, CmigImage *from, CmigImage *to,
					  const List *renames, const List *comments, CmigDiffCallback callback, void *arg)
{
	RenameRead	read = {.managed = managed,.image = from,.to = to,.callback = callback,.arg = arg};

	init_renames(&read, renames, comments);
	if (is_needed(&read))
		run_renames(NULL, &read);
	return read.image;
}

void
cmig_rename_tell(const CmigDifference *difference)
{
	ListCell   *cell;

	foreach(cell, cmig_rename_guess(difference))
	{
		char	   *rename = lfirst(cell);

		ereport(NOTICE,
				(errmsg("this may be a rename: %s", rename),
				 errhint("If so, add this argument: renames => ARRAY[%s]", quote_literal_cstr(rename))));
	}
}
