/*
 * kinds.h
 *	  What src/kinds provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KINDS_H
#define CMIG_KINDS_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "base/base.h"

/*
 * SQL: the OID of the type that format_type() calls so, or NULL.  Unlike to_regtype(), this
 * needs no USAGE on the type's schema.
 */
#define CMIG_TYPE_NAMED(name) \
	"(SELECT CASE WHEN p IS NULL THEN to_regtype(" name ") ELSE (SELECT" \
	" CASE WHEN " name " LIKE '%[]' THEN t.typarray ELSE t.oid END" \
	" FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace" \
	" WHERE n.nspname = p[1] AND t.typname = p[2]) END" \
	" FROM (SELECT parse_ident(substring(" name " FROM" \
	" '^((?:[a-z_][a-z0-9_]*|\"(?:[^\"]|\"\")+\")[.](?:[a-z_][a-z0-9_]*|\"(?:[^\"]|\"\")+\"))" \
	"(?:[(].*[)])?(?:\\[\\])?$'))) y (p))"

/* in image.c */

struct CmigKind;

/* The address of an object, as in pg_depend. */
typedef struct CmigAddress
{
	Oid			catalog;
	Oid			object;
	int32		sub;			/* column number, or 0 */
} CmigAddress;

/* A privilege in which an object differs from a newly created one. */
typedef struct CmigGrant
{
	const char *grantee;		/* quoted, PUBLIC, or NULL for the owner */
	const char *privilege;
	const char *grantor;		/* quoted, or NULL for the owner */
	bool		grantable;
	bool		granted;		/* false: only a new object has it */
} CmigGrant;

/*
 * An object in an image, with everything that is compared.  An image has an
 * object for each table, column, constraint, index, and so on.  To save
 * memory, fields of the same size are next to each other.
 */
typedef struct CmigObject
{
	const struct CmigKind *kind;
	char	   *name;			/* unquoted */
	char	   *identity;		/* qualified and quoted */
	char	   *owner;			/* unquoted; NULL if its kind has none */
	char	   *comment;
	char	   *index_comment;	/* on the index of a constraint, or on the
								 * sequence of an identity column */
	List	   *grants;			/* list of CmigGrant, sorted */
	List	   *sequence_grants;	/* on an identity column's sequence */
	struct CmigObject *parent;	/* for example a column's table; or NULL */
	struct CmigObject *child;	/* first child */
	struct CmigObject *last_child;
	struct CmigObject *sibling; /* next child of the parent */
	struct CmigObject **depends;	/* what it depends on, except its parent */
	struct CmigObject **soft;	/* objects that are created before this one,
								 * although it does not depend on them, such
								 * as objects that a function's body names */
	const char *serial;			/* NULL, or a column's pseudo-type, such as
								 * serial */
	struct CmigObject *family;	/* see cmig_families_rank() */
	struct CmigChange *change;	/* see schema/schema.h */
	const char *obstacle;		/* NULL, or why it cannot be created; of an
								 * old object: dropped, or changed as the new
								 * one requires */
	char	   *lasting;		/* NULL, or why values that are added to the
								 * old enum cannot be removed */
	char	   *operators;		/* NULL, or the operators of users that it
								 * uses, which SQL may show without their
								 * schemas */
	char	   *const *values;	/* of the kind's properties; NULL: the
								 * default. May be shared: see
								 * cmig_object_set() */

	CmigAddress address;
	int			index;			/* position in the image */
	int			ndepends;
	int			nsoft;
	int			rank;			/* position among tables with the same
								 * "family" */

	bool		inherited;		/* from a parent table */
	bool		linked;			/* a sequence with OWNED BY, which always has
								 * its table's owner */
	bool		folded;			/* part of its parent's CREATE statement */
	bool		unfolded;		/* must not be folded */
	bool		alone;			/* an inherited object of a partition that is
								 * attached or detached during the change */
	bool		separate;		/* created and dropped by statements of its
								 * own, not by its parent's */
	bool		foreign;		/* belongs to another role, and the caller is
								 * not allowed to alter it */
	bool		may_drop;		/* foreign, but the caller may drop it as the
								 * owner of its schema */
	bool		unownable;		/* the owner lacks CREATE on the schema, so
								 * that it cannot be given a new object */
	bool		unchecked;		/* PostgreSQL might reject the function's
								 * body, so it is created with
								 * check_function_bodies turned off */
	bool		keeps;			/* owner, privileges, and comments are
								 * restored when it is re-created, even if
								 * they are not compared */
	bool		recurses;		/* a column default that is set and dropped
								 * together with the children's */
	bool		partial;		/* needs an object that was removed from the
								 * image */
	bool		divided;		/* a table with partitions that are not in the
								 * image */
} CmigObject;

/* The result of these functions may be the argument. */
extern char *cmig_normal_reloadable(char *text);
extern char *cmig_normal_rename(char *text, const char *old, const char *new);
extern const char *cmig_between_restore(const char *sql);

/* What a statement does, if that also has a form that does not block. */
typedef enum CmigOnline
{
	CMIG_ONLINE_NONE,
	CMIG_ONLINE_CREATE,			/* creates the index or the valid constraint */
	CMIG_ONLINE_DROP,			/* drops the index */
	CMIG_ONLINE_REBUILD,		/* REINDEX */
	CMIG_ONLINE_NOT_NULL		/* SET NOT NULL for the column */
} CmigOnline;

/* A statement, and the statement that reverts it. */
typedef struct CmigDdl
{
	char	   *sql;			/* without a final semicolon */
	char	   *undo;
	int			part;			/* see cmig_alter_add(), or CMIG_PART_... */
	CmigOnline	online;
	CmigOnline	undo_online;	/* the same of "undo" */
	bool		reads;			/* it or "undo" reads the table, to continue a
								 * sequence after a column's values */
	const char *hazard;			/* NULL, or one that does not depend on rows */
	int			hazards;		/* CMIG_HAZARD_... flags, for rows */
	int			undo_hazards;	/* the same of "undo" */
	const char *old_type;		/* NULL, or CMIG_HAZARD_REWRITE does not apply
								 * if it is binary-coercible to new_type */
	const char *new_type;
	const char *expression;		/* NULL, or CMIG_HAZARD_REWRITE does not apply
								 * if it is not volatile */
	bool		stepwise;		/* replaced with its concurrent form, for a
								 * stepwise revision */
	bool		own;			/* it changes privileges of who runs it */
	char	   *nullable;		/* NULL, or for CMIG_HAZARD_FAILS: the
								 * statement without NOT NULL */
} CmigDdl;

/* Parts of an object that are not its properties. */
#define CMIG_PART_NONE		(-1)	/* of cmig_ddl_append() */
#define CMIG_PART_GRANT		(-2)	/* GRANT */
#define CMIG_PART_REVOKE	(-3)	/* REVOKE */
#define CMIG_PART_REPLACES	(-4)	/* the text "replaces" of the kind */

/* Hazards: the effects that a statement can have on its table. */
#define CMIG_HAZARD_REWRITE		0x01	/* rewrites the table */
#define CMIG_HAZARD_SCAN		0x02	/* scans the table */
#define CMIG_HAZARD_BLOCKS		0x04	/* blocks writes, building an index */
#define CMIG_HAZARD_MAY_FAIL	0x08	/* fails if rows violate a constraint */
#define CMIG_HAZARD_INVALID		0x10	/* rebuilds an index that is invalid */
#define CMIG_HAZARD_MOVES		0x20	/* moves the rows to other servers */
#define CMIG_HAZARD_UNPROTECTS	0x40	/* only undo: disables row security */
#define CMIG_HAZARD_POLICY		0x80	/* only undo: drops a policy */
#define CMIG_HAZARD_FAILS		0x100	/* fails if there are rows: ADD COLUMN
										 * ... NOT NULL without a default */

/* Hazards: how a conversion changes values, although it succeeds. */
#define CMIG_LOSS_ROUNDS		0x000200
#define CMIG_LOSS_15_DIGITS		0x000400
#define CMIG_LOSS_6_DIGITS		0x000800
#define CMIG_LOSS_TIME			0x001000
#define CMIG_LOSS_DATE			0x002000
#define CMIG_LOSS_ZONE			0x004000
#define CMIG_LOSS_SECONDS		0x008000
#define CMIG_LOSS_CUTS			0x010000
#define CMIG_LOSS_KEYS			0x020000
#define CMIG_LOSS_HOST			0x040000
#define CMIG_LOSS_TRUTH			0x080000
#define CMIG_LOSS_ATTRIBUTES	0x100000

/* Flags of a property */
#define CMIG_PROPERTY_EXPRESSION	0x01	/* a printed expression */
#define CMIG_PROPERTY_SILENT		0x02	/* not compared, for SQL only */
#define CMIG_PROPERTY_LIST			0x04	/* a list such as "a, b", whose
											 * order does not matter */
#define CMIG_PROPERTY_NO_MODEL		0x10	/* ORMs cannot define it: if only
											 * models are compared, a default
											 * in the target means no change */
#define CMIG_PROPERTY_OPTIONAL		0x20	/* NULL is the default value, not
											 * an object changed during
											 * reading */
#define CMIG_PROPERTY_PARAMETERS	0x40	/* altered with SET and RESET */
#define CMIG_PROPERTY_FDW_OPTIONS	0x80	/* altered with OPTIONS */
#define CMIG_PROPERTY_REPLACES		0x100	/* set by the statement "replaces" */
#define CMIG_PROPERTY_STATEMENT		0x200	/* "action" is a whole statement */

/*
 * A property of a kind: its name and how its values are compared.  "action" is
 * the text (see cmig_kind_text()) of the ALTER action that sets the property,
 * with {} for its value, and "otherwise" of the action if the value is NULL.
 * An object of a kind without alter() is re-created if a property without an
 * action differs.
 */
typedef struct CmigProperty
{
	const char *name;
	int			flags;
	const char *action;
	const char *otherwise;
} CmigProperty;

/*
 * The difference between two versions of an object that exists in both images.
 * A kind's alter() adds statements here, or requests that the object be
 * dropped and re-created.  It is called for both directions; the statements of
 * the opposite change revert those of the change.
 */
typedef struct CmigAlter
{
	const CmigObject *from;
	const CmigObject *to;
	bool		back;			/* true for the opposite change: its
								 * statements run in reverse order */
	const char *zone;			/* of times without one; "": not known; NULL:
								 * the statements will not run */
	const List *casts;			/* of char *: users' casts, such as "(a AS b)" */
	List	   *ddl;			/* list of CmigDdl */
	List	   *first;			/* run before columns and constraints of the
								 * object and its parents are dropped */
	List	   *last;			/* run after they are added */
	bool		again;			/* drop and re-create the object */
	bool		disturbs;		/* objects that refer to this one must be
								 * dropped before the change and re-created
								 * afterwards */
	bool		recasts;		/* "disturbs" also applies to indexes,
								 * defaults, and constraints
								 * (CMIG_KIND_RECAST) */
	bool		late;			/* runs after all other changes, and is
								 * reverted by re-creating the object */
	char	   *unsupported;	/* why the change is not supported */
} CmigAlter;

/* Flags of a kind.  They describe each object of the kind. */
#define CMIG_KIND_MODEL			0x0001	/* ORMs can define the object */
#define CMIG_KIND_DISPOSABLE	0x0002	/* can be re-created when an object
										 * that it depends on changes */
#define CMIG_KIND_FOLDS			0x0004	/* part of the parent's CREATE
										 * statement if both are new */
#define CMIG_KIND_ON_PARENT		0x0008	/* its SQL name is "x ON parent" */
#define CMIG_KIND_DISTURBED		0x0010	/* dropped while the type of a column
										 * changes to which it refers */
#define CMIG_KIND_DATA			0x0020	/* dropping the object loses data */
#define CMIG_KIND_RELATION		0x0040	/* shares the namespace of relations */
#define CMIG_KIND_TYPE			0x0080	/* shares the namespace of types */
#define CMIG_KIND_LAST			0x0100	/* sorted by its own kind, not next to
										 * its parent */
#define CMIG_KIND_NO_OWNER_SQL	0x0200	/* has no ALTER ... OWNER TO */
#define CMIG_KIND_GONE_WITH_PARENT 0x0400	/* dropped with the parent */
#define CMIG_KIND_RECAST		0x0800	/* dropped while the type of a column
										 * changes without a suitable cast */
#define CMIG_KIND_GLOBAL		0x1000	/* has no schema; not compared if the
										 * caller names schemas */
#define CMIG_KIND_FINAL			0x2000	/* changed after everything else, even
										 * if it is dropped */
#define CMIG_KIND_SWAPS			0x4000	/* re-created while the old object
										 * still exists, so that columns can
										 * change from it to the new one */
#define CMIG_KIND_DETOUR		0x8000	/* while it is re-created, its columns
										 * have type text or the default
										 * collation */

/* Everything that distinguishes one kind of object from others. */
typedef struct CmigKind
{
	const char *name;			/* as in the result column "kind", for example
								 * "foreign key" */
	const char *word;			/* SQL keyword, for example "CONSTRAINT" */
	const char *grant_word;		/* keyword in GRANT ... ON; NULL: the same as
								 * "word" */
	char		default_type;	/* object type in pg_default_acl; 0: none */
	int			flags;
	int			nproperties;
	const CmigProperty *properties;

	/*
	 * A catalog query for the objects of the kind.  @c.relnamespace stands
	 * for the condition that c, a row of a catalog, is in one of the schemas
	 * that are read ($1), and one of the objects if only some are; @t.oid for
	 * the latter alone, if the objects' own index is faster than that of what
	 * they belong to.  The columns are the address (oid, oid, integer), the
	 * parent's address (the same types, or NULLs), name, identity, owner
	 * (text), whether the object is inherited (boolean), and the properties
	 * (text; never NULL unless CMIG_PROPERTY_OPTIONAL).  NULL if another
	 * module reads the objects.
	 */
	const char *sql;

	/*
	 * 0, or the catalog with the objects or their parents: no query of the
	 * kind finds anything if it has only rows of the server itself.
	 */
	Oid			catalog;

	/*
	 * NULL, or a query for dependencies that are not in pg_depend: the
	 * addresses of the object, and of what it depends on.  "follows" is for
	 * objects that must only be created after another one, and dropped
	 * before.
	 */
	const char *depends;
	const char *follows;

	/*
	 * The texts (see cmig_kind_text()) of the statement that creates the
	 * object, of the one that drops it, of its name in ALTER, and of its name
	 * in COMMENT ON and similar commands.  If one of the latter three is
	 * NULL, it is "DROP name", the name in COMMENT ON, or "word identity".
	 * "replaces", which may be NULL, sets all properties that it mentions.
	 */
	const char *creates;
	const char *replaces;
	const char *drops;
	const char *alters;
	const char *refers;

	/*
	 * Returns the statements: the first one creates the object, the others
	 * complete it.  NULL: "creates" is the first one, and the actions of the
	 * properties that it does not mention are the others.
	 */
	List	   *(*create) (const CmigObject *object);

	/* Appends a folded object's part of the parent's CREATE statement. */
	void		(*define) (StringInfo buf, const CmigObject *object);

	/* Returns the statement that drops the object, instead of "drops". */
	char	   *(*drop) (const CmigObject *object);

	/* NULL: the statements follow from "replaces" and properties' actions. */
	void		(*alter) (CmigAlter *alter);

	/* Can it be re-created, although its kind lacks the flag DISPOSABLE? */
	bool		(*is_disposable) (const CmigObject *object);

	/* Can the parent's CREATE statement include this object? */
	bool		(*folds) (const CmigObject *object);

	int			index;			/* position, starting at 1, of the property
								 * for cmig_object_index(), or 0 */
	int			place;			/* position in kinds.c, starting at 1 */
} CmigKind;

/* Returns a new object whose properties have their default values. */
extern CmigObject *cmig_object_new(const CmigKind *kind, const char *name,
								   const char *identity);

/* Returns a copy that shares the object's values and lists. */
extern CmigObject *cmig_object_copy(const CmigObject *object);

/* Set a property, without changing objects that share the object's values. */
extern void cmig_object_set(CmigObject *object, int property, char *value);

/* Returns "table public.a", for example. */
extern const char *cmig_object_title(const CmigObject *object);

/* Returns the object itself, or the one without a parent that it is part of. */
extern CmigObject *cmig_object_root(CmigObject *object);

/* Returns the child of this kind with this name (NULL: any name), or NULL. */
extern CmigObject *cmig_object_child(const CmigObject *object, const CmigKind *kind,
									 const char *name);

/* Returns the name of its index, identity sequence, or multirange type. */
extern const char *cmig_object_index(const CmigObject *object);

/* Returns the SQL name: "TABLE public.a", "CONSTRAINT c ON public.a". */
extern char *cmig_kind_reference(const CmigObject *object);
extern char *cmig_kind_drop(const CmigObject *object);

/* Are two values of a property the same, or those of two objects? */
extern bool cmig_kind_same_value(const CmigProperty *property, const char *a, const char *b);
extern bool cmig_object_same(const CmigObject *a, const CmigObject *b, int property);

/* Can it be dropped and created again without losing data? */
extern bool cmig_object_is_disposable(const CmigObject *object);

/* Is this the definition of a constraint that is NOT VALID? */
extern bool cmig_is_not_valid(const char *definition);

/*
 * Returns the condition of a CHECK constraint, given its definition, in
 * parentheses.  Sets *rest to what follows, such as " NO INHERIT".
 */
extern char *cmig_check_condition(const char *definition, const char **rest);

/* Add the statements that change alter->from into alter->to, and revert it. */
extern void cmig_object_alter(CmigAlter *alter);

/* Add hazards to the last statement of the list, and return it. */
extern CmigDdl *cmig_ddl_hazards(List *ddl, int hazards);
extern List *cmig_ddl_append(List *ddl, char *sql, char *undo);

/* Quote an identifier or a literal.  The result may be the argument itself. */
extern const char *cmig_quote(const char *identifier);
extern char *cmig_literal(const char *text);

/* A dependency, recorded while an image is read. */
typedef struct CmigImageEdge
{
	CmigObject *object;
	CmigObject *on;
} CmigImageEdge;

/* The objects of a set of schemas at one point in time. */
typedef struct CmigImage
{
	int			count;
	int			allocated;
	CmigObject **objects;		/* sorted by kind and identity */
	HTAB	   *addresses;		/* maps CmigAddress to CmigObject */
	CmigImageEdge *edges;		/* used while the image is read */
	int			nedges;
	int			edges_allocated;
	struct CmigImage *excluded; /* NULL, or the objects that were removed; its
								 * own are those that were removed before */
	List	   *casts;			/* of char *: all casts of users in the
								 * database, such as "(a AS b)" */
	bool		all;			/* with objects that have no schema */
} CmigImage;

extern CmigImage *cmig_image_new(void);

/* Returns a copy for another difference.  The objects have the same indexes. */
extern CmigImage *cmig_image_copy(const CmigImage *image);

/*
 * Add to "other" the addresses of objects in "image" for their copies.
 * "copies" has an element, which may be NULL, for each object in "image".
 */
extern void cmig_image_alias_copies(const CmigImage *image, CmigImage *other,
									CmigObject *const *copies);

/* Add an object to an image, under its address and as a child of its parent. */
extern void cmig_image_add(CmigImage *image, CmigObject *object);

/* Add another address for an object. */
extern void cmig_image_alias(CmigImage *image, CmigAddress address, CmigObject *object);

/*
 * Returns the object with this address, or NULL.  The first one returns the
 * object that contains it, such as a column's table, if the image lacks it.
 */
extern CmigObject *cmig_image_find(const CmigImage *image, CmigAddress address);
extern CmigObject *cmig_image_find_exactly(const CmigImage *image, CmigAddress address);

/* Record a dependency, unless it is on the object itself or on its parent. */
extern void cmig_image_depend(CmigImage *image, CmigObject *object, CmigObject *on);

/*
 * Record that "object" must be created after "on" and dropped before "on",
 * although it does not depend on "on", unless this would cause a cycle.
 */
extern void cmig_object_follow(CmigObject *object, CmigObject *on);

/*
 * Sort the objects, and set their "depends" arrays, after everything has been
 * read; and sort them again, after adding objects with these arrays.
 */
extern void cmig_image_finish(CmigImage *image);
extern void cmig_image_sort(CmigImage *image);

/*
 * Remove the marked objects, given an element for each object.  With an object,
 * its children must be marked.  Returns an image of the removed objects.
 */
extern CmigImage *cmig_image_remove(CmigImage *image, const bool *marked);

/*
 * Returns an image in which those of "part", which cannot be used otherwise any more,
 * replace the marked objects of "image", and what has their addresses.  Marks what is
 * replaced; only objects without a parent need to be marked before.
 */
extern CmigImage *cmig_image_replace(const CmigImage *image, bool *marked, CmigImage *part);

/* Returns the object of this kind with this identity, or with those of an object; or NULL. */
extern CmigObject *cmig_image_lookup(const CmigImage *image, const struct CmigKind *kind,
									 const char *identity);
extern CmigObject *cmig_image_counterpart(const CmigImage *image, const CmigObject *object);

/* Compare objects by kind, then by the bytes of their identity. */
extern int	cmig_object_compare(const CmigObject *a, const CmigObject *b);

/* in kinds.c: the kinds */

/* Returns all kinds in the order in which they are read; sets *count. */
extern CmigKind **cmig_kinds(int *count);

extern CmigKind cmig_kind_access_method,
			cmig_kind_aggregate,
			cmig_kind_attribute,
			cmig_kind_base_definition,
			cmig_kind_base_type,
			cmig_kind_cast,
			cmig_kind_collation,
			cmig_kind_column,
			cmig_kind_composite,
			cmig_kind_constraint,
			cmig_kind_conversion,
			cmig_kind_default,
			cmig_kind_default_privileges,
			cmig_kind_distribution,
			cmig_kind_domain,
			cmig_kind_domain_constraint,
			cmig_kind_enum,
			cmig_kind_event_trigger,
			cmig_kind_extension,
			cmig_kind_foreign_data_wrapper,
			cmig_kind_foreign_key,
			cmig_kind_foreign_table,
			cmig_kind_function,
			cmig_kind_index,
			cmig_kind_language,
			cmig_kind_materialized_view,
			cmig_kind_member_privilege,
			cmig_kind_operator,
			cmig_kind_operator_class,
			cmig_kind_operator_family,
			cmig_kind_operator_family_member,
			cmig_kind_partition,
			cmig_kind_partition_trigger,
			cmig_kind_policy,
			cmig_kind_publication,
			cmig_kind_publication_schema,
			cmig_kind_publication_table,
			cmig_kind_range,
			cmig_kind_replica_identity,
			cmig_kind_rule,
			cmig_kind_schema,
			cmig_kind_sequence,
			cmig_kind_sequence_owner,
			cmig_kind_server,
			cmig_kind_statistics,
			cmig_kind_table,
			cmig_kind_toast,
			cmig_kind_transform,
			cmig_kind_trigger,
			cmig_kind_ts_configuration,
			cmig_kind_ts_dictionary,
			cmig_kind_ts_mapping,
			cmig_kind_ts_parser,
			cmig_kind_ts_template,
			cmig_kind_user_mapping,
			cmig_kind_view,
			cmig_kind_view_column;

/* cmig_kinds() does not return this kind. */
extern CmigKind cmig_kind_other;

/*
 * The extensions that belong to a database, not to its schema, as a list of SQL
 * literals.  They are not compared, nor are privileges on their members.
 */
#define CMIG_INFRASTRUCTURE "'pg_cmig', 'citus', 'citus_columnar'"

/*
 * Where the properties that other modules examine are in "values".  The
 * definition is the first property of constraints, indexes, defaults, views,
 * and functions.
 */
#define CMIG_DEFINITION 0

enum
{
	CMIG_EXTENSION_VERSION,
	CMIG_EXTENSION_SCHEMA,		/* quoted */
	CMIG_EXTENSION_RELOCATABLE
};

enum
{
	CMIG_TABLE_PERSISTENCE,
	CMIG_TABLE_PARTITION_KEY,	/* NULL: the table is not partitioned */
	CMIG_TABLE_IS_PARTITION,
	CMIG_TABLE_INHERITS,
	CMIG_TABLE_OF_TYPE,			/* the type of a typed table, or NULL */
	CMIG_TABLE_METHOD,
	CMIG_TABLE_TABLESPACE,
	CMIG_TABLE_OPTIONS,
	CMIG_TABLE_TOAST_OPTIONS,
	CMIG_TABLE_ROW_SECURITY,
	CMIG_TABLE_FORCE_ROW_SECURITY,
	CMIG_TABLE_SERVER,			/* only of a foreign table */
	CMIG_TABLE_SERVER_OPTIONS
};

enum
{
	CMIG_COLUMN_TYPE,			/* as PostgreSQL prints it */
	CMIG_COLUMN_COLLATION,
	CMIG_COLUMN_NOT_NULL,
	CMIG_COLUMN_IDENTITY,
	CMIG_COLUMN_IDENTITY_OPTIONS,
	CMIG_COLUMN_GENERATED,
	CMIG_COLUMN_STORAGE,
	CMIG_COLUMN_DEFAULT_STORAGE,
	CMIG_COLUMN_COMPRESSION,
	CMIG_COLUMN_STATISTICS,
	CMIG_COLUMN_OPTIONS,
	CMIG_COLUMN_OF_TYPE,
	CMIG_COLUMN_SEQUENCE,
	CMIG_COLUMN_SEQUENCE_NAME,
	CMIG_COLUMN_SEQUENCE_PERSISTENCE,
	CMIG_COLUMN_SEQUENCE_SETTINGS,
	CMIG_COLUMN_CHILDREN,		/* how many children the table has, compared
								 * or not; NULL if it has none */
	CMIG_COLUMN_IN_KEY,			/* the partition key of its table uses it */
	CMIG_COLUMN_SERVER_OPTIONS, /* only in a foreign table */
	CMIG_COLUMN_STORED_TYPE		/* the base type of a domain, or of an array
								 * of one; otherwise, NULL */
};

enum
{
	CMIG_PUBLICATION_ALL_TABLES,
	CMIG_PUBLICATION_PUBLISH,	/* a list of actions */
	CMIG_PUBLICATION_VIA_ROOT
};

/* a member of a publication */
enum
{
	CMIG_MEMBER_NAME,
	CMIG_MEMBER_PART			/* its columns and rows; empty: all */
};

enum
{
	CMIG_POLICY_COMMAND,
	CMIG_POLICY_RESTRICTIVE,
	CMIG_POLICY_ROLES,
	CMIG_POLICY_USING,
	CMIG_POLICY_WITH_CHECK
};

enum
{
	CMIG_DOMAIN_BASE,			/* printed type */
	CMIG_DOMAIN_COLLATION,
	CMIG_DOMAIN_DEFAULT,
	CMIG_DOMAIN_NOT_NULL
};

enum
{
	CMIG_VIEW_COLUMNS = CMIG_DEFINITION + 1,
	/* the following two properties exist only for materialized views */
	CMIG_VIEW_METHOD,
	CMIG_VIEW_TABLESPACE,
	CMIG_VIEW_OPTIONS,
	CMIG_VIEW_EMPTY				/* a materialized view WITH NO DATA */
};

enum
{
	CMIG_PARTITION_OF,			/* the partitioned table, qualified */
	CMIG_PARTITION_BOUND,
	CMIG_PARTITION_FOREIGN_KEYS
};

enum
{
	CMIG_DISTRIBUTION_METHOD,	/* one of the CMIG_DISTRIBUTED_... words */
	CMIG_DISTRIBUTION_COLUMN,	/* name of the distribution column, not quoted */
	CMIG_DISTRIBUTION_COLOCATED,	/* the table that identifies the
									 * co-location group, or NULL if it is
									 * this table; see schema/schema.h */
	CMIG_DISTRIBUTION_SHARDS,	/* number of shards, or NULL if it is not
								 * compared */
	CMIG_DISTRIBUTION_GROUP,	/* number of the co-location group in the
								 * image */
	CMIG_DISTRIBUTION_COUNT,	/* number of shards, even if it is not
								 * compared */
	CMIG_DISTRIBUTION_DEFAULT	/* not NULL if Citus chose the group */
};

/* The values of the property CMIG_DISTRIBUTION_METHOD. */
#define CMIG_DISTRIBUTED_BY_COLUMN	"column"
#define CMIG_DISTRIBUTED_BY_SCHEMA	"schema"
#define CMIG_DISTRIBUTED_SINGLE		"single shard"
#define CMIG_DISTRIBUTED_REFERENCE	"reference"
#define CMIG_DISTRIBUTED_LOCAL		"local"
#define CMIG_DISTRIBUTED_OTHERWISE	"other"

/*
 * For each function in the image, record that it must be created after the
 * objects that its body mentions (see cmig_object_follow()).
 */
extern void cmig_bodies_read(CmigImage *image);

/* in table.c */

/* Is it a table, or a foreign table, which has the same properties? */
extern bool cmig_table_is(const CmigObject *object);

/*
 * Does the table inherit the object from a table that is its parent in both
 * images?
 */
extern bool cmig_table_keeps_inheriting(const CmigImage *from, const CmigImage *to,
										const CmigObject *object);

/* Do both versions of a typed table have the same type? */
extern bool cmig_table_keeps_type(const CmigObject *from, const CmigObject *to);

/* For a typed table, add NOT OF to alter->first, and OF to alter->last. */
extern void cmig_table_untype(CmigAlter *alter);

/* in column.c */

/* Are rows or values lost if the object is dropped? */
extern bool cmig_object_has_data(const CmigObject *object);

extern const CmigObject *cmig_column_parent(const CmigObject *column);
extern bool cmig_column_stays_inherited(const CmigObject *from, const CmigObject *to);
extern List *cmig_column_deviations(const CmigObject *column);

/* Is the column NOT NULL and new rows get no value, so that the user must fill it? */
extern bool cmig_column_must_be_filled(const CmigObject *column);

/* in column_type.c */

extern CmigDdl *cmig_column_type_replace(const CmigObject *old, const CmigObject *column,
										 const CmigObject *from,
										 const CmigObject *to, const char *away);
extern CmigDdl *cmig_column_type_detour(const CmigObject *column, bool collation);

typedef struct CmigLoss
{
	int			loss;			/* CMIG_LOSS_... */
	const char *text;
} CmigLoss;

/* All losses; the last one is 0. */
extern const CmigLoss cmig_losses[];

/* Returns the text of the first of the losses. */
extern const char *cmig_loss_text(int losses);

/*
 * What does a conversion between printed types change in the values?  Returns
 * flags.  What fails for some values loses nothing.  An explicit cast does more
 * than an assignment.
 */
extern int	cmig_values_lost(const char *from, const char *to, bool is_explicit);

/* The same for a domain or composite type that replaces another one. */
extern int	cmig_type_loss(const CmigObject *from, const CmigObject *to);

/* in constraint.c */

/* Returns pg_constraint's contype, or '\0' if the object is not a table's constraint. */
extern char cmig_constraint_type(const CmigObject *object);
extern bool cmig_index_is_unique(const CmigObject *object);

/* Has CREATE INDEX CONCURRENTLY, or REINDEX, failed, or not ended yet? */
extern bool cmig_index_is_invalid(const CmigObject *object);

/*
 * What follows the table's name in the statement that creates the index, such
 * as "USING btree (a)"; the definition of a constraint.
 */
extern const char *cmig_index_method(const CmigObject *object);

/* The statement that creates the index, under this name, which is quoted. */
extern char *cmig_index_create(const CmigObject *index, const char *name, bool concurrently);

/*
 * Returns the statement that creates the index or constraint of a partitioned
 * table without those of the partitions.
 */
extern char *cmig_index_create_only(const CmigObject *object);

/* Are two indexes the same, but for their names, and for what they are attached to, or is attached to them? */
extern bool cmig_index_same_unattached(const CmigObject *index, const CmigObject *other);

/* Are two objects of a table the same, but for the name in the definition of an index? */
extern bool cmig_object_same_unnamed(const CmigObject *object, const CmigObject *other);

/*
 * Returns the columns of a key as in its definition, in parentheses and with
 * INCLUDE.  Sets *rest to what follows, such as " DEFERRABLE".
 */
extern char *cmig_constraint_columns(const CmigObject *key, const char **rest);

/*
 * A subquery with the columns "unique" and "method" of cmig_index_create(), for
 * the definition that PostgreSQL prints and the names of the rows of pg_index,
 * pg_class, and of pg_namespace and pg_class for the table.
 */
#define CMIG_INDEX_METHOD_SQL(text, index, class, namespace, table) \
	"(SELECT u.unique, substr(" text ", length(format('CREATE %sINDEX %I ON %s%I.%I ', u.unique, " class ".relname," \
	" CASE " class ".relkind WHEN 'I' THEN 'ONLY ' END, " namespace ".nspname, " table ".relname)) + 1) AS method" \
	" FROM (SELECT CASE WHEN " index ".indisunique THEN 'UNIQUE ' END AS unique) u WHERE " index ".indexrelid IS NOT NULL OFFSET 0)"
extern char *cmig_constraint_parameters(const CmigObject *constraint);
extern void cmig_constraint_definition(StringInfo buf, const CmigObject *constraint);
extern const char *cmig_index_name(const CmigObject *object);
extern const char *cmig_index_parent(const CmigObject *object);
extern bool cmig_index_is_like(const CmigObject *attached, const CmigObject *index);
extern bool cmig_index_is_partial(const CmigObject *index);

/* in sequence.c */

extern char *cmig_sequence_continue(const CmigObject *owner, const CmigObject *column);

/* in routine.c */

extern void cmig_view_fill_as_owner(const CmigObject *view, List *ddl);

/* Returns the statement that creates the function, but does not replace one. */
extern const char *cmig_function_create(const CmigObject *function);

/* Is the object a function in the language SQL? */
extern bool cmig_function_is_sql(const CmigObject *object);

/* Does the function return rows of this relation or type? */
extern bool cmig_function_returns(const CmigObject *function, const CmigObject *type);

/*
 * Does the function have the arguments of the other one, which are the same,
 * and further ones with defaults?  Then a call of the other one can mean both.
 */
extern bool cmig_function_answers(const CmigObject *function, const CmigObject *other);

/* in type.c */

/*
 * Return the labels, without quotes, that were added to an enum.
 * cmig_enum_added() returns NIL if existing labels were removed or moved.
 */
extern List *cmig_enum_new(const CmigObject *from, const CmigObject *to);
extern List *cmig_enum_added(const CmigObject *from, const CmigObject *to);

/* Give the new enum the old one's labels, too, in an order that ADD VALUE can reach. */
extern void cmig_enum_unite(const CmigObject *from, CmigObject *to);
extern bool cmig_type_can_convert(const CmigObject *from, const CmigObject *to);

#endif							/* CMIG_KINDS_H */
