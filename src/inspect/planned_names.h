/*
 * planned_names.h
 *	  Looks up relation names as they are after the statements of a plan that
 *	  have been read so far.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLANNED_NAMES_H
#define CMIG_PLANNED_NAMES_H

#include "postgres.h"
#include "nodes/primnodes.h"

/* The names that statements have created, dropped, or changed. */
typedef struct CmigPlannedNames CmigPlannedNames;

/* A relation that a statement names. */
typedef struct CmigPlannedName
{
	Oid			oid;			/* InvalidOid if the relation does not exist */
	bool		is_new;			/* true if an earlier statement has created
								 * the relation */
	bool		is_temporary;	/* true for a temporary relation of the script */
	char	   *schema;			/* NULL if the name is unqualified and the
								 * relation is not known */
} CmigPlannedName;

/* Start without changes.  The state lives in the current memory context. */
extern CmigPlannedNames *cmig_planned_names_start(void);

/* Look up a relation as the next statement would. */
extern CmigPlannedName cmig_planned_names_find(const CmigPlannedNames *names, const RangeVar *relation);

/* Record that a statement creates a relation or a schema. */
extern void cmig_planned_names_create(CmigPlannedNames *names, const RangeVar *relation);
extern void cmig_planned_names_create_schema(CmigPlannedNames *names, const char *schema);

/* Record that a statement drops a relation. */
extern void cmig_planned_names_drop(CmigPlannedNames *names, const RangeVar *relation);

/*
 * Record that a relation is renamed to "new_name" or, if "to_schema" is true,
 * is moved to the schema "new_name".
 */
extern void cmig_planned_names_rename(CmigPlannedNames *names, const RangeVar *relation,
									  const char *new_name, bool to_schema);

/*
 * Forget the temporary relations of a script, which are dropped when the script
 * ends.
 */
extern void cmig_planned_names_end_script(CmigPlannedNames *names);

#endif							/* CMIG_PLANNED_NAMES_H */
