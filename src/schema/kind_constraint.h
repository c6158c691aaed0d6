/*
 * kind_constraint.h
 *	  What other modules need to know about constraints of tables. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_CONSTRAINT_H
#define CMIG_KIND_CONSTRAINT_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "schema/kind.h"

/* The qualified name of the index to which an index is attached. */
#define CMIG_ATTACHED_SQL(oid) \
	"(SELECT format('%I.%I', hn.nspname, hc.relname) FROM pg_inherits h JOIN pg_class hc ON hc.oid = h.inhparent" \
	" JOIN pg_namespace hn ON hn.oid = hc.relnamespace WHERE h.inhrelid = " oid ")"

/* The printed definition of a constraint. */
extern const char *cmig_constraint_text(const CmigObject *constraint);

/*
 * The qualified name of the partitioned table's index to which the index of a
 * constraint is attached, or NULL.
 */
extern const char *cmig_constraint_attached(const CmigObject *constraint);

/*
 * Does an attached index have the parameters and the tablespace of the other
 * one, and nothing that only ALTER TABLE can set?
 */
extern bool cmig_constraint_is_like(const CmigObject *attached, const CmigObject *constraint);

/* "CONSTRAINT name CHECK (...)" */
extern void cmig_constraint_definition(StringInfo buf, const CmigObject *constraint);

#endif							/* CMIG_KIND_CONSTRAINT_H */
