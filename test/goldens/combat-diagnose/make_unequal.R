# Rscript make_unequal.R TABLE OUT.csv     (test/goldens/combat/table.csv; R 4.2.2, nlme)
# Residual SD of each site, and coefficient and standard error of age, in a linear model with a variance for each site (REML).
library(nlme)
words <- commandArgs(trailingOnly = TRUE)
table <- read.csv(words[1])
rows <- lapply(grep("^f", names(table), value = TRUE), function(name) {
  fit <- gls(as.formula(paste(name, "~ 0 + site + age + sex + diagnosis")), table,
    weights = varIdent(form = ~ 1 | site), method = "REML",
    control = glsControl(tolerance = 1e-12, msTol = 1e-14, opt = "optim", maxIter = 500, msMaxIter = 500))
  ratio <- coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
  sd <- fit$sigma * ratio[c("Aachen", "Bergen", "Cadiz")]
  data.frame(feature = name, Aachen = sd[[1]], Bergen = sd[[2]], Cadiz = sd[[3]],
    age = coef(fit)[["age"]], error = sqrt(fit$varBeta["age", "age"]))
})
write.csv(format(do.call(rbind, rows), digits = 12), words[2], row.names = FALSE, quote = FALSE)
